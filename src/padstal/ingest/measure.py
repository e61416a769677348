"""What a clip sounds like in numbers that a check can be made of."""

from dataclasses import dataclass

import numpy as np

from padstal.ingest.bandwidth import bandwidth, every_of, stretches, window
from padstal.ingest.pcm import Pcm
from padstal.ingest.waveform import waveform

FLOOR_DB = -120.0
"""What silence measures, so that tables hold no infinities; loudness has the standard's gate of −70 LUFS."""
FLOOR_LUFS = -70.0
CLIP_STRETCHES = 64
"""Of a clip, evenly spread over it, that its bandwidth is taken of at most."""


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
        side_db: Energy of their difference over that of their sum (`waveform`); −120 for mono.
    """

    loudness_lufs: float
    peak_dbfs: float
    rms_dbfs: float
    clipped_share: float
    bandwidth_hz: float
    dc_offset: float
    side_db: float


def measure(pcm: Pcm, sample_rate: int, *, loudness_lufs: float, source_SC: np.ndarray) -> Measures:
    """Measures of a clip.

    Args:
        pcm: After standardisation.
        sample_rate: Hz.
        loudness_lufs: Of the clip as it plays within its track.
        source_SC: The same stretch as the file has it; resampling would round off the flat tops that clipping leaves.
    """
    source = waveform(source_SC)
    stretches_NPC = stretches(pcm.samples_SC)
    chosen_NPC = stretches_NPC[:: every_of(len(stretches_NPC), CLIP_STRETCHES)].astype(np.int32)
    mono_NP = chosen_NPC[..., 0] if chosen_NPC.shape[2] == 1 else chosen_NPC[..., 0] + chosen_NPC[..., 1]
    frames_NP = mono_NP.astype(np.float32) * window(chosen_NPC.shape[1])
    return Measures(
        loudness_lufs=max(FLOOR_LUFS, loudness_lufs),
        peak_dbfs=_decibels(pcm.peak / 32768),
        rms_dbfs=_decibels((pcm.squares / pcm.samples_SC.size) ** 0.5 / 32768),
        clipped_share=source.clipped_share,
        bandwidth_hz=bandwidth(frames_NP, sample_rate),
        dc_offset=source.offset,
        side_db=source.side_db,
    )


def _decibels(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(max(amplitude, 1e-12))))
