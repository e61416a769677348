"""How audio lies around zero and between its two channels: constant offset, and side against mid."""

from dataclasses import dataclass

import numpy as np

MONO_DB, INVERTED_DB = -120.0, 120.0
"""Side against mid where both channels are alike (also of mono and of silence), and where one is the other's mirror."""


@dataclass(frozen=True)
class Balance:
    """Of some audio.

    Attributes:
        offsets: Mean of each channel, in full scale.
        side_db: Energy of the difference of the channels over that of their sum, offsets left out, in dB: 0 where they
            have nothing in common, below −60 for mono stored as stereo, above 0 where one channel leans against the
            other.
    """

    offsets: tuple[float, ...]
    side_db: float

    @property
    def offset(self) -> float:
        """The largest offset, without its sign."""
        return max(abs(offset) for offset in self.offsets)


def balance(audio_SC: np.ndarray) -> Balance:
    """Balance of float32 audio [S, C] with 1 or 2 channels and at least one sample."""
    from padstal.audio.kernels import moments

    samples = len(audio_SC)
    if audio_SC.shape[1] == 1:
        return Balance((float(audio_SC.mean(dtype=np.float64)),), MONO_DB)
    left, right, left_left, right_right, left_right = moments(audio_SC)
    variances = left_left - left * left / samples + right_right - right * right / samples
    covariance = left_right - left * right / samples
    mid, side = variances + 2 * covariance, variances - 2 * covariance
    floor = 1e-12 * float(left_left + right_right)
    return Balance((float(left / samples), float(right / samples)), _ratio_db(float(side), float(mid), floor=floor))


def _ratio_db(side: float, mid: float, *, floor: float) -> float:
    """`floor` is what rounding leaves of sums that are 0."""
    if side <= floor:
        return MONO_DB
    if mid <= floor:
        return INVERTED_DB
    return float(np.clip(10 * np.log10(side / mid), MONO_DB, INVERTED_DB))
