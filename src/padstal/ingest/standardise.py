"""Every track in one form: sample rate, channels, loudness; never above full scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.blocks import blocks, release, room
from padstal.ingest.loudness import gain_to, gated_loudness, step_powers
from padstal.ingest.rejection import RejectedError
from padstal.ingest.resample import QUALITY

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
    audio_SC: np.ndarray,
    *,
    from_rate: int,
    sample_rate: int,
    channels: int,
    silence_dbfs: float,
    scratch: Path | None = None,
) -> np.ndarray:
    """Audio [S, C] with other channels, at another rate.

    Args:
        audio_SC: float32 of one whole track.
        from_rate, sample_rate: Hz before and after.
        channels: 1 or 2.
        silence_dbfs: A track that swings less about the middle of its range is silent; so is a constant offset.
        scratch: Folder for the samples of long tracks.

    Raises:
        RejectedError: `silent`.
    """
    mixed = (with_channels(block_SC, channels) for block_SC in blocks(audio_SC))
    if not _swings(mixed, 10 ** (silence_dbfs / 20)):
        seconds = len(audio_SC) / from_rate
        raise RejectedError(
            rejection.SILENT, f"nothing to hear: all {seconds:.1f} s lie below {silence_dbfs:g} dBFS, as silence does"
        )
    if from_rate == sample_rate and channels == audio_SC.shape[1]:
        return audio_SC
    return _converted(audio_SC, from_rate, sample_rate, channels, scratch)


def _swings(blocks_SC: Iterable[np.ndarray], threshold: float) -> bool:
    """Whether a channel has two samples that lie twice `threshold` or more apart."""
    low_C, high_C = np.array(np.inf, np.float32), np.array(-np.inf, np.float32)
    for block_SC in blocks_SC:
        channels = block_SC.T  # one after the other: NumPy takes ten times as long over both at once
        low_C = np.minimum(low_C, [channel.min() for channel in channels])
        high_C = np.maximum(high_C, [channel.max() for channel in channels])
        if float((high_C - low_C).max()) >= 2 * threshold:
            return True
    return False


def _converted(audio_SC: np.ndarray, from_rate: int, to_rate: int, channels: int, scratch: Path | None) -> np.ndarray:
    """What `resample` gives of the whole, bit by bit, a block at a time."""
    import soxr

    stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality=QUALITY)
    room_SC = room(len(audio_SC) * to_rate // from_rate + 1, channels, scratch)
    taken = made = 0
    for block_SC in blocks(audio_SC):
        taken += len(block_SC)
        part_SC = with_channels(block_SC, channels)
        if from_rate != to_rate:
            part_SC = stream.resample_chunk(part_SC, last=taken == len(audio_SC))
        room_SC[made : made + len(part_SC)] = part_SC
        made += len(part_SC)
        release(room_SC)
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
