"""Clips that a small codec can learn in seconds."""

import numpy as np

SAMPLE_RATE = 16_000


def bursts(count: int, seed: int, *, seconds: float, decay: float, quietest: float) -> np.ndarray:
    """Clips [count, S] of noise of any colour, that decays at up to `decay` a second, as quiet as 10^`quietest`."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    clips = []
    for _ in range(count):
        spectrum = np.fft.rfft(rng.standard_normal(len(time)))
        spectrum *= np.linspace(1, 0, len(spectrum)) ** rng.uniform(0, 3)
        faded = np.fft.irfft(spectrum, len(time)) * np.exp(-rng.uniform(0, decay) * time)
        clips.append(faded * 10 ** rng.uniform(quietest, 0))
    return np.stack(clips).astype(np.float32)
