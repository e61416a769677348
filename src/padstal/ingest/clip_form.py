"""The form that all clips are brought to, and what a track must be for it; a track's clips depend on nothing else."""

from typing import Literal

from pydantic import model_validator

from padstal.core.data.units import seconds_to_samples
from padstal.core.section import Section, value


class Screening(Section):
    """What a track must be to be used; null asks nothing. Silence has a limit of its own."""

    max_offset: float | None = value(
        "a larger mean of a channel is taken out", "of full scale", default=None, gt=0, lt=1
    )
    max_side_db: float | None = value(
        "with more energy in the channels' difference than their sum, the right one is turned over",
        "dB",
        default=None,
        ge=0,
        le=120,
    )
    max_clipped_share: float | None = value(
        "tracks with a larger share of samples within 2 % of their peak go to quarantine", default=None, gt=0, lt=1
    )
    min_bandwidth_hz: float | None = value(
        "tracks with nothing above it, 60 dB below their strongest frequency, go to quarantine",
        "Hz",
        default=None,
        gt=0,
    )


class ClipForm(Section):
    """Sample rate, channels, length and level of clips, and the tracks that they may be cut from."""

    sample_rate: int = value("sample rate of clips", "Hz", ge=8_000, le=192_000)
    channels: Literal[1, 2] = value("channels of clips", "channels")
    clip_seconds: float = value("length of a clip", "s", gt=0.5, le=600)
    hop_seconds: float = value("distance between the starts of neighbouring clips of a track", "s", gt=0.1, le=600)
    min_track_seconds: float = value("shorter tracks go to quarantine", "s", ge=0)
    max_track_seconds: float = value("longer tracks go to quarantine", "s", gt=0)
    loudness_lufs: float | None = value("integrated loudness of tracks after it; null leaves it", "LUFS", ge=-60, le=0)
    silence_dbfs: float = value("tracks whose peak lies below go to quarantine", "dBFS", ge=-120, le=0)
    screening: Screening

    @property
    def clip_samples(self) -> int:
        return seconds_to_samples(self.clip_seconds, self.sample_rate)

    @property
    def hop_samples(self) -> int:
        return seconds_to_samples(self.hop_seconds, self.sample_rate)

    @model_validator(mode="after")
    def _lengths_fit(self) -> "ClipForm":
        if self.min_track_seconds < self.clip_seconds:
            raise ValueError(
                f"min_track_seconds = {self.min_track_seconds} must be at least clip_seconds = {self.clip_seconds}"
            )
        if self.max_track_seconds < self.min_track_seconds:
            raise ValueError(
                f"max_track_seconds = {self.max_track_seconds} must be at least "
                f"min_track_seconds = {self.min_track_seconds}"
            )
        return self


def offsets(samples: int, *, clip_samples: int, hop_samples: int) -> range:
    """First sample of each clip, at equal distances from a track's start; what is left at its end is not padded."""
    return range(0, samples - clip_samples + 1, hop_samples)
