"""p-MOS: scores that depend on no batch, on the scale, equal bits after a round trip."""

import numpy as np
import torch

from padstal.foundation import pmos
from padstal.foundation.config import PmosShape
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import save

SHAPE = PmosShape(bands=16, width=32, dropout=0.1)


def clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Chords under noise of known severity, and their quality."""
    rng = np.random.default_rng(seed)
    t = np.arange(8192) / 16_000
    severity = rng.uniform(0, 1, count)
    chord = sum(np.sin(2 * np.pi * f * t) for f in (330.0, 660.0, 990.0)) * 0.1
    noise = rng.standard_normal((count, 8192)) * 0.1
    return (chord + severity[:, None] * noise).astype(np.float32), (5 - 4 * severity).astype(np.float32)


def test_scores_do_not_depend_on_the_batch_and_survive_the_disk_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    model = pmos.Regressor(SHAPE).eval().requires_grad_(False)
    scorer = pmos.StatisticsScorer(model, LogMel(16_000, bands=SHAPE.bands), SHAPE, torch.device("cpu"))
    save(tmp_path, model, scorer.config | {"origin": "a test"})
    again = pmos.load(tmp_path, "cpu")
    audio, _ = clips(6, 2)
    scores = scorer.score(audio)
    assert np.array_equal(scores, again.score(audio))
    assert np.all((scores >= 1) & (scores <= 5))
    alone = np.concatenate([scorer.score(audio[row : row + 1]) for row in range(6)])
    np.testing.assert_allclose(scores, alone, atol=1e-4)
    assert again.score(audio[:0]).shape == (0,)
    assert again.sample_rate == 16_000
