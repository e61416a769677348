"""Each statistic tells its fault, whatever the gain."""

import numpy as np
import pytest
import torch

from padstal.foundation import faults

RATE = 16_000
ENVELOPE_AT = len(faults.LEVELS) + len(faults.PLATEAUS)
RATES_AT = ENVELOPE_AT + len(faults.ENVELOPE)
SWINGS_AT = RATES_AT + 2 * len(faults.FALLS_DECIBELS)


@pytest.fixture(scope="module")
def chord():
    """Three steady partials."""
    t = np.arange(2 * RATE) / RATE
    return sum(np.sin(2 * np.pi * f * t) for f in (330.0, 494.0, 880.0)).astype(np.float32) * 0.2


def of(audio: np.ndarray) -> np.ndarray:
    return faults.statistics(audio[None], RATE)[0].numpy()


def test_a_gain_changes_nothing(chord):
    np.testing.assert_allclose(of(chord), of(0.1 * chord), atol=0.02)
    assert of(chord).shape == (faults.COUNT,)


def test_clipping_raises_the_share_of_samples_at_the_peak(chord):
    clipped = np.clip(4 * chord, -0.3, 0.3)
    plateau = slice(len(faults.LEVELS), ENVELOPE_AT)
    assert np.all(of(clipped)[plateau] > of(chord)[plateau] + 0.5)


def test_holes_lower_the_envelopes_minimum_and_have_steep_edges(chord):
    holed = chord.copy()
    for start in range(2000, 30_000, 4000):
        holed[start : start + 800] = 0
    assert of(holed)[ENVELOPE_AT] == pytest.approx(faults.FLOOR_DECIBELS / 20)
    assert np.all(of(holed)[RATES_AT:SWINGS_AT] > of(chord)[RATES_AT:SWINGS_AT])


def test_wow_moves_partials_that_were_still(chord):
    t = np.arange(len(chord)) / RATE
    swung = np.interp((t + 0.02 * np.sin(2 * np.pi * 1.3 * t) / (2 * np.pi * 1.3)) * RATE, t * RATE, chord)
    still, moved = of(chord)[SWINGS_AT:], of(swung.astype(np.float32))[SWINGS_AT:]
    assert np.all(still[:2] < 0.02)
    assert moved[1] > 10 * still[1] + 0.05


def test_silence_and_short_audio_give_finite_numbers():
    assert bool(torch.isfinite(faults.statistics(np.zeros((2, 20_000), np.float32), RATE)).all())
    assert bool(torch.isfinite(faults.statistics(np.ones((1, 1200), np.float32), RATE)).all())
