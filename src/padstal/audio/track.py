"""One track: from a file to its clips, or to a rejection."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from padstal.audio import rejection
from padstal.audio.decode import decode
from padstal.audio.measure import Measures, measure
from padstal.audio.rejection import RejectedError
from padstal.audio.screen import Limits, screen
from padstal.audio.segment import offsets
from padstal.audio.standardise import standardise, to_pcm


@dataclass(frozen=True)
class ClipForm:
    """The form that all clips are brought to, and what a track must be for it.

    Attributes:
        sample_rate: Hz.
        channels: 1 or 2.
        clip_samples, hop_samples: Length of a clip, and from one clip's start to the next's.
        min_seconds, max_seconds: Durations of tracks.
        loudness_lufs: Integrated loudness of tracks; None leaves it.
        silence_dbfs: Tracks and clips whose peak lies below are silent.
        limits: What a track must be to be used.
    """

    sample_rate: int
    channels: int
    clip_samples: int
    hop_samples: int
    min_seconds: float
    max_seconds: float
    loudness_lufs: float | None
    silence_dbfs: float
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Clip:
    """One clip of a track.

    Attributes:
        offset_samples: Its start, at the form's sample rate.
        pcm_SC: int16 [S, C].
        measures: Of the clip.
    """

    offset_samples: int
    pcm_SC: np.ndarray
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


@dataclass(frozen=True)
class Rejection:
    """A file that gives no clips, and why (`rejection`)."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Order:
    """A file to take in."""

    path: Path
    form: ClipForm


def take_in(order: Order) -> Track | Rejection:
    """A file's clips; never raises for what a file holds."""
    try:
        return _clips(order.path, order.form)
    except RejectedError as error:
        return Rejection(error.reason, error.detail)
    except (MemoryError, OSError, ValueError) as error:
        return Rejection(rejection.UNREADABLE, f"{type(error).__name__}: {error}".replace(str(order.path), "the file"))


def crashed(order: Order) -> Track | Rejection:
    """What becomes of a file whose decoder kills its process."""
    return Rejection(rejection.CRASHED, "the process that decoded it died")


def _clips(path: Path, form: ClipForm) -> Track:
    decoded = decode(path, min_seconds=form.min_seconds, max_seconds=form.max_seconds)
    screened = screen(decoded.audio_SC, decoded.sample_rate, form.limits)
    audio_SC = standardise(
        screened.audio_SC,
        from_rate=decoded.sample_rate,
        sample_rate=form.sample_rate,
        channels=form.channels,
        loudness_lufs=form.loudness_lufs,
        silence_dbfs=form.silence_dbfs,
    )
    if len(audio_SC) < form.clip_samples:  # min_seconds of a clip, rounded down to a sample
        audio_SC = np.pad(audio_SC, ((0, form.clip_samples - len(audio_SC)), (0, 0)))
    to_source = decoded.sample_rate / form.sample_rate
    clips, silent = [], 0
    for offset in offsets(len(audio_SC), clip_samples=form.clip_samples, hop_samples=form.hop_samples):
        pcm_SC = to_pcm(audio_SC[offset : offset + form.clip_samples])
        start, stop = (round(at * to_source) for at in (offset, offset + form.clip_samples))
        source_SC = decoded.audio_SC[start:stop]
        measures = measure(pcm_SC.astype(np.float32) / 32768.0, form.sample_rate, source_SC=source_SC)
        if measures.peak_dbfs < form.silence_dbfs:
            silent += 1
        else:
            clips.append(Clip(offset, pcm_SC, measures))
    if not clips:
        raise RejectedError(rejection.SILENT, f"all {silent} clips are below {form.silence_dbfs} dBFS")
    repairs = decoded.repairs + screened.repairs
    return Track(decoded.seconds, decoded.sample_rate, decoded.audio_SC.shape[1], tuple(clips), silent, repairs)
