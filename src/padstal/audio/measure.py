"""What a clip sounds like in numbers that a check can be made of."""

from dataclasses import dataclass

import numpy as np

from padstal.audio.balance import balance
from padstal.audio.loudness import integrated_loudness

FLOOR_DB = -120.0
"""What silence measures, so that tables hold no infinities; loudness has the standard's gate of −70 LUFS."""
FLOOR_LUFS = -70.0
FLAT_TOP = 0.98
"""Samples from this share of the peak on count as its ceiling."""
BANDWIDTH_DB = 60.0
SPECTRUM_POINTS = 2048


@dataclass(frozen=True)
class Measures:
    """Of one clip.

    Attributes:
        loudness_lufs: Integrated loudness (BS.1770).
        peak_dbfs, rms_dbfs: Over all channels.
        clipped_share: Share of the file's own samples within 2 % of their peak, over the clip's stretch: some 0.0001
            in clean music, 0.01 to 0.5 where it was clipped, whatever gain came after.
        bandwidth_hz: Highest frequency whose mean power is within 60 dB of the strongest.
        dc_offset: Largest mean of a channel of the file's own samples, over the clip's stretch, in full scale.
        side_db: Energy of their difference over that of their sum (`balance`); −120 for mono.
    """

    loudness_lufs: float
    peak_dbfs: float
    rms_dbfs: float
    clipped_share: float
    bandwidth_hz: float
    dc_offset: float
    side_db: float


def measure(audio_SC: np.ndarray, sample_rate: int, *, source_SC: np.ndarray) -> Measures:
    """Measures of a clip, float32 [S, C].

    Args:
        audio_SC: After standardisation.
        sample_rate: Hz.
        source_SC: The same stretch as the file has it; resampling would round off the flat tops that clipping leaves.
    """
    peak = float(np.abs(audio_SC).max())
    rms = float(np.sqrt(np.mean(np.square(audio_SC, dtype=np.float64))))
    around = balance(source_SC)
    return Measures(
        loudness_lufs=max(FLOOR_LUFS, integrated_loudness(audio_SC, sample_rate)),
        peak_dbfs=_decibels(peak),
        rms_dbfs=_decibels(rms),
        clipped_share=clipped_share(source_SC),
        bandwidth_hz=bandwidth(audio_SC.mean(axis=1), sample_rate),
        dc_offset=around.offset,
        side_db=around.side_db,
    )


def clipped_share(source_SC: np.ndarray) -> float:
    """Share of samples within 2 % of the peak; 0 for silence."""
    magnitude = np.abs(source_SC)
    peak = float(magnitude.max(initial=0.0))
    return float((magnitude >= FLAT_TOP * peak).mean()) if peak > 0 else 0.0


def bandwidth(audio_S: np.ndarray, sample_rate: int) -> float:
    """Highest frequency (Hz) whose mean power lies within `BANDWIDTH_DB` of the strongest; 0 for silence."""
    from scipy.signal import welch

    points = min(SPECTRUM_POINTS, len(audio_S))
    frequency, power = welch(audio_S.astype(np.float64), fs=sample_rate, nperseg=points, detrend=False)
    if power.max() <= 0:
        return 0.0
    return float(frequency[np.flatnonzero(power >= power.max() * 10 ** (-BANDWIDTH_DB / 10))[-1]])


def _decibels(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(max(amplitude, 1e-12))))
