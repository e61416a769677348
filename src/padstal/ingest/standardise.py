"""Every track in one form: sample rate, channels, loudness; never above full scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.blocks import blocks
from padstal.ingest.loudness import gain_to, gated_loudness, step_powers
from padstal.ingest.rejection import RejectedError
from padstal.ingest.resample import QUALITY, resample

CEILING = 0.98
"""Largest sample after standardisation."""


@dataclass(frozen=True)
class Level:
    """What brings a track to the corpus' loudness.

    Attributes:
        gain: Factor; the track stays within ±`CEILING`.
        loudness_lufs: Integrated loudness of each stretch asked for, as it plays within the track afterwards.
    """

    gain: np.float32
    loudness_lufs: list[float]


def with_channels(audio_SC: np.ndarray, channels: int) -> np.ndarray:
    """Mono is the mean of the channels; stereo from mono has it twice."""
    if audio_SC.shape[1] == channels:
        return audio_SC
    if channels == 1:
        return ((audio_SC[:, 0] + audio_SC[:, 1]) * np.float32(0.5))[:, None]
    return np.repeat(audio_SC, channels, axis=1)


def resampled(
    audio_SC: np.ndarray, *, from_rate: int, sample_rate: int, channels: int, silence_dbfs: float
) -> np.ndarray:
    """Audio [S, C] with other channels, at another rate.

    Args:
        audio_SC: float32 of one whole track.
        from_rate, sample_rate: Hz before and after.
        channels: 1 or 2.
        silence_dbfs: A track that swings less about the middle of its range is silent; so is a constant offset.

    Raises:
        RejectedError: `silent`.
    """
    from padstal.ingest.kernels import swings

    mixed_SC = np.ascontiguousarray(with_channels(audio_SC, channels), dtype=np.float32)
    if not swings(mixed_SC, 10 ** (silence_dbfs / 20)):
        peak = float(np.ptp(mixed_SC, axis=0).max()) / 2
        found = 20 * np.log10(max(peak, 1e-9))
        raise RejectedError(rejection.SILENT, f"peak {found:.1f} dBFS: expected {silence_dbfs} or more")
    if from_rate == sample_rate or channels == 1:
        return resample(mixed_SC, from_rate, sample_rate)
    return _resampled_stereo(mixed_SC, from_rate, sample_rate)


def _resampled_stereo(audio_SC: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """What `resample` gives, bit by bit; each channel alone and a block at a time is less work."""
    import soxr

    from padstal.ingest.kernels import interleave, planes

    lefts, rights = (soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality=QUALITY) for _ in range(2))
    room_SC = np.empty((len(audio_SC) * to_rate // from_rate + 1, 2), np.float32)
    taken = made = 0
    for block_SC in blocks(audio_SC):
        taken += len(block_SC)
        left, right = planes(block_SC)
        left = lefts.resample_chunk(left, last=taken == len(audio_SC))
        right = rights.resample_chunk(right, last=taken == len(audio_SC))
        interleave(left, right, room_SC[made : made + len(left)])
        made += len(left)
    assert made <= len(room_SC), f"{made} samples of {len(audio_SC)} at {from_rate} Hz, now {to_rate} Hz"
    return room_SC[:made]


def level_of(
    audio_SC: np.ndarray, sample_rate: int, *, loudness_lufs: float | None, stretches: Sequence[tuple[int, int]]
) -> Level:
    """The level of a track [S, C].

    Args:
        audio_SC: float32 of one whole track.
        sample_rate: Hz.
        loudness_lufs: Integrated loudness of the track afterwards; less where its peak would pass the ceiling. None
            leaves the loudness alone.
        stretches: First sample of each stretch to measure, and that behind its last.
    """
    powers = step_powers(audio_SC, sample_rate, [(0, len(audio_SC)), *stretches])
    whole, *parts = powers.stretches
    peak = max(powers.peak, 1e-9)
    if loudness_lufs is None:
        gain = np.float32(min(1.0, CEILING / peak))
    else:
        gain = np.float32(gain_to(loudness_lufs, gated_loudness(whole), peak, ceiling=CEILING))
    return Level(gain, [gated_loudness(part * float(gain) ** 2) for part in parts])
