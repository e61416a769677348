"""p-MOS: the censored loss in closed form, scores on the scale, equal bits after a round trip."""

import numpy as np
import pytest
import torch

from padstal.demo.fit import Schedule
from padstal.demo.held_out import spearman
from padstal.foundation import pmos
from padstal.foundation.store import save

SHAPE = pmos.Shape(bands=16, width=32, dropout=0.1)


def clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Chords under noise of known severity, and their quality."""
    rng = np.random.default_rng(seed)
    t = np.arange(8192) / 16_000
    severity = rng.uniform(0, 1, count)
    chord = sum(np.sin(2 * np.pi * f * t) for f in (330.0, 660.0, 990.0)) * 0.1
    noise = rng.standard_normal((count, 8192)) * 0.1
    return (chord + severity[:, None] * noise).astype(np.float32), (5 - 4 * severity).astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    audio, mos = clips(96, 0)
    return pmos.train(audio, mos, SHAPE, Schedule(30, 32, 5e-3, 0), sample_rate=16_000, device=torch.device("cpu"))


def test_a_guess_above_the_scale_costs_nothing_at_5_and_its_error_elsewhere():
    guess = torch.tensor([7.0, 5.0, 7.0, 4.0])
    truth = torch.tensor([5.0, 5.0, 3.0, 5.0])
    expected = [0, 0, 4 - 0.25, 1 - 0.25]
    for row, value in enumerate(expected):
        assert float(pmos.censored_loss(guess[row : row + 1], truth[row : row + 1])) == pytest.approx(value)


def test_a_degraded_clip_that_is_heard_as_too_good_is_pulled_down():
    guess = torch.tensor([6.0], requires_grad=True)
    pmos.censored_loss(guess, torch.tensor([2.0])).backward()
    assert guess.grad is not None
    assert float(guess.grad) > 0


def test_noise_is_heard_in_clips_that_were_not_learnt_and_scores_stay_on_the_scale(trained):
    scorer, _, losses = trained
    audio, mos = clips(64, 1)
    scores = scorer.score(audio)
    assert spearman(scores, mos) > 0.85
    assert scores.min() >= 1
    assert scores.max() <= 5
    assert len(losses) == 30


def test_scores_do_not_depend_on_the_batch_and_survive_the_disk_bit_for_bit(trained, tmp_path):
    scorer, config, _ = trained
    save(tmp_path, scorer.model, config | {"origin": "a test"})
    again = pmos.load(tmp_path, "cpu")
    audio, _ = clips(6, 2)
    scores = scorer.score(audio)
    assert np.array_equal(scores, again.score(audio))
    alone = np.concatenate([scorer.score(audio[row : row + 1]) for row in range(6)])
    np.testing.assert_allclose(scores, alone, atol=1e-4)
    assert again.score(audio[:0]).shape == (0,)
    assert again.sample_rate == 16_000
