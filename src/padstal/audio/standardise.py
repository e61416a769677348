"""Every track in one form: sample rate, channels, loudness; never above full scale."""

import numpy as np

from padstal.audio import rejection
from padstal.audio.loudness import gain_to, integrated_loudness
from padstal.audio.rejection import RejectedError
from padstal.audio.resample import resample

CEILING = 0.98
"""Largest sample after standardisation."""


def with_channels(audio_SC: np.ndarray, channels: int) -> np.ndarray:
    """Mono is the mean of the channels; stereo from mono has it twice."""
    if audio_SC.shape[1] == channels:
        return audio_SC
    if channels == 1:
        return audio_SC.mean(axis=1, keepdims=True)
    return np.repeat(audio_SC, channels, axis=1)


def standardise(
    audio_SC: np.ndarray,
    *,
    from_rate: int,
    sample_rate: int,
    channels: int,
    loudness_lufs: float | None,
    silence_dbfs: float,
) -> np.ndarray:
    """Audio [S, C] in the corpus' form, float32 within ±`CEILING`.

    Args:
        audio_SC: float32 of one whole track.
        from_rate, sample_rate: Hz before and after.
        channels: 1 or 2.
        loudness_lufs: Integrated loudness of the track afterwards; less where its peak would pass the ceiling. None
            leaves the loudness alone.
        silence_dbfs: Peak below which a track counts as silent; a constant offset is silence too.

    Raises:
        RejectedError: `silent`.
    """
    mixed_SC = with_channels(audio_SC, channels)
    swing = float(np.abs(mixed_SC - mixed_SC.mean(axis=0)).max())
    if swing < 10 ** (silence_dbfs / 20):
        raise RejectedError(
            rejection.SILENT, f"peak {20 * np.log10(max(swing, 1e-9)):.1f} dBFS: expected {silence_dbfs} or more"
        )
    audio = resample(mixed_SC, from_rate, sample_rate)
    peak = float(np.abs(audio).max())
    if loudness_lufs is None:
        return audio * np.float32(min(1.0, CEILING / peak))
    gain = gain_to(loudness_lufs, integrated_loudness(audio, sample_rate), peak, ceiling=CEILING)
    return audio * np.float32(gain)


def to_pcm(audio_SC: np.ndarray) -> np.ndarray:
    """int16 samples; `pcm / 32768` is the audio again to half a step."""
    return np.clip(np.rint(audio_SC * 32768.0), -32768, 32767).astype(np.int16)
