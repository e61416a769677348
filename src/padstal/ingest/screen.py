"""Whether a decoded track is fit to learn from, and what of it can be put right: offset, polarity, clipping, bandwidth.

Silence is `standardise`'s to find. Each limit can be None, for tracks whose faults are wanted (the corpus that the
project composes plants some, for p-MOS to find).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.bandwidth import bandwidth, every_of, stretches, window
from padstal.ingest.blocks import blocks, room
from padstal.ingest.clip_form import Screening
from padstal.ingest.rejection import RejectedError
from padstal.ingest.standardise import with_channels
from padstal.ingest.waveform import Waveform, waveform

OFFSET = "constant offset taken out"
POLARITY = "right channel turned over"
CLIPPED = "clipped, kept as it is"
NOTED_CLIPPED_SHARE = 0.1
"""Share of samples within 2 % of their clip's peak from which on a track that is kept is said to be clipped."""
BANDWIDTH_STRETCHES = 256
"""Of a track, evenly spread over it, that its bandwidth is taken of at most."""


@dataclass(frozen=True)
class Screened:
    """Audio float32 [S, C] that may be used, and what was put right in it."""

    audio_SC: np.ndarray
    repairs: tuple[str, ...]


def screen(audio_SC: np.ndarray, sample_rate: int, limits: Screening, scratch: Path | None = None) -> Screened:
    """A track as it may be used; silence passes.

    Args:
        audio_SC: float32 [S, C] with 1 or 2 channels; a repair makes a copy.
        sample_rate: Hz.
        limits: What is asked of it.
        scratch: Folder for the copy of a long track.

    Raises:
        RejectedError: `clipped` or `narrow_band`.
    """
    repairs: tuple[str, ...] = ()
    if (limits.max_clipped_share, limits.max_offset, limits.max_side_db) != (None, None, None):
        found = waveform(audio_SC)
        share, most = found.clipped_share, limits.max_clipped_share
        if most is not None and share > most and _moves(audio_SC):
            raise RejectedError(
                rejection.CLIPPED,
                f"clipped: {share:.1%} of its {len(audio_SC) / sample_rate:.1f} s lie at the peak; expected at most "
                f"{most:.1%}",
            )
        audio_SC, repairs = _put_right(audio_SC, found, limits, scratch)
    if limits.min_bandwidth_hz is not None:
        highest = _bandwidth(audio_SC, sample_rate)
        if 0 < highest < limits.min_bandwidth_hz:
            raise RejectedError(
                rejection.NARROW, f"no sound above {highest:.0f} Hz: expected {limits.min_bandwidth_hz:.0f} Hz or more"
            )
    return Screened(audio_SC, repairs)


def _moves(audio_SC: np.ndarray) -> bool:
    """Whether not all samples are the same."""
    return any((block_SC != audio_SC[0, 0]).any() for block_SC in blocks(audio_SC))


def _put_right(
    audio_SC: np.ndarray, found: Waveform, limits: Screening, scratch: Path | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    repairs: list[str] = []
    offsets, signs = np.zeros(audio_SC.shape[1], np.float32), np.ones(audio_SC.shape[1], np.float32)
    if limits.max_offset is not None and found.offset > limits.max_offset:
        offsets = np.array(found.offsets, np.float32)
        repairs.append(OFFSET)
    if limits.max_side_db is not None and found.side_db > limits.max_side_db:
        signs = np.array([1, -1], np.float32)
        repairs.append(POLARITY)
    if repairs:
        right_SC = room(len(audio_SC), audio_SC.shape[1], scratch)
        for block_SC, to_SC in zip(blocks(audio_SC), blocks(right_SC), strict=True):
            to_SC[:] = (block_SC - offsets) * signs
        audio_SC = right_SC
    return audio_SC, tuple(repairs)


def _bandwidth(audio_SC: np.ndarray, sample_rate: int) -> float:
    stretches_NPC = stretches(audio_SC)
    chosen_NPC = stretches_NPC[:: every_of(len(stretches_NPC), BANDWIDTH_STRETCHES)]
    mono_NP = with_channels(chosen_NPC.reshape(-1, audio_SC.shape[1]), 1).reshape(chosen_NPC.shape[:2])
    return bandwidth(mono_NP * window(mono_NP.shape[1]), sample_rate)
