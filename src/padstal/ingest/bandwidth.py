"""Bandwidth: how far up the spectrum of audio reaches."""

from functools import lru_cache

import numpy as np

BANDWIDTH_DB = 60.0
SPECTRUM_POINTS = 2048


def bandwidth(frames_NP: np.ndarray, sample_rate: int) -> float:
    """Highest frequency (Hz) whose mean power lies within `BANDWIDTH_DB` of the strongest; 0 for silence.

    Bartlett's method.

    Args:
        frames_NP: `stretches` of mono audio times `window`, float32.
        sample_rate: Hz.
    """
    from scipy.fft import rfft

    spectrum_NF = rfft(frames_NP, axis=1)
    power_F = np.square(spectrum_NF.real).sum(axis=0) + np.square(spectrum_NF.imag).sum(axis=0)
    if power_F.max() <= 0:
        return 0.0
    highest = np.flatnonzero(power_F >= power_F.max() * 10 ** (-BANDWIDTH_DB / 10))[-1]
    return float(highest * sample_rate / frames_NP.shape[1])


def stretches(audio_SC: np.ndarray) -> np.ndarray:
    """Neighbouring stretches [N, P, C] of `SPECTRUM_POINTS` samples, or of all where there are fewer; a view."""
    points = min(SPECTRUM_POINTS, len(audio_SC))
    return audio_SC[: len(audio_SC) // points * points].reshape(-1, points, audio_SC.shape[1])


def every_of(stretches: int, most: int) -> int:
    """Every how many-th of them is taken, where at most so many are."""
    return max(1, -(-stretches // most))


@lru_cache(maxsize=2)
def window(points: int) -> np.ndarray:
    """Periodic Hann window, float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(points) / points)).astype(np.float32)
