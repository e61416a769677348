"""How a file's own samples lie: around zero, between its two channels, and at their peak."""

from dataclasses import dataclass

import numpy as np

from padstal.ingest.blocks import blocks

MONO_DB, INVERTED_DB = -120.0, 120.0
"""Side against mid where both channels are alike (also of mono and of silence), and where one is the other's mirror."""
FLAT_TOP = 0.98
"""Samples from this share of the peak on count as its ceiling."""


@dataclass(frozen=True)
class Waveform:
    """Of some audio.

    Attributes:
        offsets: Mean of each channel, in full scale.
        side_db: Energy of the difference of the channels over that of their sum, offsets left out, in dB: 0 where they
            have nothing in common, below −60 for mono stored as stereo, above 0 where one channel leans against the
            other.
        clipped_share: Share of samples within 2 % of the peak; 0 for silence.
    """

    offsets: tuple[float, ...]
    side_db: float
    clipped_share: float

    @property
    def offset(self) -> float:
        """The largest offset, without its sign."""
        return max(abs(offset) for offset in self.offsets)


def waveform(audio_SC: np.ndarray) -> Waveform:
    """Of float32 audio [S, C], C-contiguous, with 1 or 2 channels and at least one sample."""
    from padstal.ingest.kernels import moments

    stereo = audio_SC.shape[1] == 2
    peaks, sums = [], []
    for block_SC in blocks(audio_SC):
        peaks.append(max(block_SC.max(), -block_SC.min()))
        sums.append(moments(block_SC) if stereo else (block_SC.sum(dtype=np.float64),))
    peak, totals = max(peaks), np.sum(sums, axis=0)
    offsets = tuple(float(total) / len(audio_SC) for total in totals[: audio_SC.shape[1]])
    clipped = 0
    if peak > 0:
        floor = np.float32(FLAT_TOP * peak)
        touching = (block for block, own in zip(blocks(audio_SC), peaks, strict=True) if own >= floor)
        clipped = sum(np.count_nonzero(np.abs(block_SC) >= floor) for block_SC in touching)
    side_db = _side_db(totals, len(audio_SC)) if stereo else MONO_DB
    return Waveform(offsets, side_db, clipped / audio_SC.size)


def _side_db(totals: np.ndarray, samples: int) -> float:
    left, right, left_left, right_right, left_right = map(float, totals)
    variances = left_left - left * left / samples + right_right - right * right / samples
    covariance = left_right - left * right / samples
    mid, side = variances + 2 * covariance, variances - 2 * covariance
    floor = 1e-12 * (left_left + right_right)  # what rounding leaves of sums that are 0
    if side <= floor:
        return MONO_DB
    if mid <= floor:
        return INVERTED_DB
    return float(np.clip(10 * np.log10(side / mid), MONO_DB, INVERTED_DB))
