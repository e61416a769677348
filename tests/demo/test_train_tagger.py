"""Training the tagger: what it was taught it hears in clips that it did not learn from."""

import numpy as np
import torch
from tests.foundation.test_tagger import SHAPE, VOCABULARY

from padstal.demo.config import TrainedTagger
from padstal.demo.lessons import Labels
from padstal.demo.train_tagger import train

SECTION = TrainedTagger(
    kind="trained",
    clips=64,
    fit={"steps": 40, "batch": 32, "learning_rate": 1e-2, "seed": 0},
    **SHAPE.model_dump(),
)


def clips(count: int, seed: int) -> tuple[np.ndarray, Labels]:
    """Low and high sines, with noise in half of them."""
    rng = np.random.default_rng(seed)
    t = np.arange(8192) / 16_000
    genre, noisy = rng.integers(0, 2, count), rng.integers(0, 2, count)
    pitch = np.where(genre == 0, 300.0, 2500.0) * rng.uniform(0.9, 1.1, count)
    audio = 0.3 * np.sin(2 * np.pi * pitch[:, None] * t) + 0.05 * noisy[:, None] * rng.standard_normal((count, 8192))
    instruments = np.stack([np.ones(count), noisy], axis=1).astype(np.float32)
    return audio.astype(np.float32), Labels(genre, instruments, noisy, np.where(noisy, 160.0, 80.0))


def test_it_hears_what_it_was_taught_in_clips_that_it_did_not_learn():
    tagger, losses = train(*clips(64, 0), VOCABULARY, SECTION, sample_rate=16_000, device=torch.device("cpu"))
    audio, labels = clips(64, 1)
    tags = tagger.tag(audio)
    assert np.mean(tags.genre_BG.argmax(axis=1) == labels.genre_B) > 0.9
    assert np.mean((tags.instrument_BI[:, 1] > 0.5) == labels.instrument_BI[:, 1]) > 0.9
    assert np.mean(np.abs(tags.tempo_B / labels.tempo_B - 1) < 0.1) > 0.9
    assert len(losses) == 40
    assert tagger.config["shape"] == SHAPE.model_dump()
