"""What is measured of a sound without a model moves with the fault that it is to tell, and with no gain."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from padstal.demo.degrade import degrade
from padstal.evaluation.signal import MEASURES, crest_factor, measure, noise_floor

RATE = 16_000
NOISE = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)


def music() -> np.ndarray:
    """Plucked harmonic notes [S], four a second, up to 7.8 kHz."""
    time = np.arange(RATE) / RATE
    notes = [
        sum(np.sin(2 * np.pi * pitch * order * time) / order for order in range(1, int(7800 / pitch)))
        * np.exp(-6 * (time % 0.25))
        for pitch in (110.0, 147.0, 196.0, 131.0)
    ]
    audio: np.ndarray = 0.1 * np.concatenate(notes).astype(np.float32)
    return audio


def degraded(kind: str, severity: float) -> dict[str, float]:
    audio_S1 = degrade(music()[:, None], kind, severity, sample_rate=RATE, rng=np.random.default_rng(1))
    return dict(zip(MEASURES, measure(audio_S1.T, RATE)[0], strict=True))


@pytest.mark.parametrize(
    ("kind", "name", "sign"),
    [("band limit", "bandwidth", -1), ("noise", "noise_floor", 1), ("clipping", "crest_factor", -1)],
)
def test_each_follows_the_fault_that_it_is_to_tell(kind: str, name: str, sign: int) -> None:
    clean = dict(zip(MEASURES, measure(music()[None], RATE)[0], strict=True))
    steps = [clean[name], *(degraded(kind, severity)[name] for severity in (0.2, 0.5, 0.8))]
    assert all(sign * (after - before) > 0 for before, after in pairwise(steps)), steps


def test_they_are_what_theory_says_of_noise_and_sines() -> None:
    assert noise_floor(NOISE, RATE) == pytest.approx(10 * np.log10(-np.log(0.9)), abs=1)
    assert crest_factor(np.sin(np.arange(RATE, dtype=np.float32))) == pytest.approx(20 * np.log10(2**0.5), abs=0.01)
    [[reach, _, _]] = measure(np.sin(2 * np.pi * 3000 / RATE * np.arange(RATE, dtype=np.float32))[None], RATE)
    assert reach == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("change", [lambda x: 0.01 * x, lambda x: -x])
def test_a_gain_changes_none(change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.testing.assert_allclose(measure(change(music())[None], RATE), measure(music()[None], RATE), rtol=1e-4)


@pytest.mark.parametrize("samples", [1, 5, 700])
def test_short_and_silent_clips_have_numbers(samples: int) -> None:
    assert np.isfinite(measure(np.zeros((2, samples), np.float32), RATE)).all()
    assert np.isfinite(measure(NOISE[None, :samples], RATE)).all()
