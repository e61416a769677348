"""What comes of a file: a track with its clips, or a rejection."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from padstal.ingest.measure import Measures


@dataclass(frozen=True)
class Rejection:
    """A file that gives no clips, and why (`rejection`)."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Clip:
    """One clip of a track.

    Attributes:
        clip_id: Its content address.
        offset_samples: Its start, at the form's sample rate.
        measures: Of the clip.
    """

    clip_id: str
    offset_samples: int
    measures: Measures


@dataclass(frozen=True)
class Track:
    """What a file holds.

    Attributes:
        seconds, sample_rate, channels: Of the file as it is.
        clips: In order; clips that are silent are left out.
        silent_clips: How many those were.
        repairs: What was wrong with the file and put right.
    """

    seconds: float
    sample_rate: int
    channels: int
    clips: tuple[Clip, ...]
    silent_clips: int
    repairs: tuple[str, ...] = ()


OUTCOME: TypeAdapter[Track | Rejection] = TypeAdapter(Track | Rejection)
"""Both as JSON, and back."""
