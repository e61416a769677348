"""One track: from a file to its clips in the store, or to a rejection."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from padstal.core.code_version import code_version
from padstal.core.data.content import ADDRESS_DIGITS, sha256_file
from padstal.ingest import rejection
from padstal.ingest.clip_form import ClipForm, offsets
from padstal.ingest.decode import decode
from padstal.ingest.digests import Stamp
from padstal.ingest.measure import measure
from padstal.ingest.outcome import OUTCOME, Clip, Rejection, Track
from padstal.ingest.pcm import pcm_of
from padstal.ingest.rejection import RejectedError
from padstal.ingest.screen import CLIPPED, NOTED_CLIPPED_SHARE, screen
from padstal.ingest.standardise import level_of, resampled
from padstal.ingest.track_cache import keep_samples

LIBRARIES = ("av", "numba", "numpy", "scipy", "soundfile", "soxr")
"""Whose arithmetic clips depend on."""


def store_key(form: ClipForm) -> str:
    """Names what the clips of a file depend on besides the file: the form, and the code."""
    text = f"{sorted(form.model_dump().items())} {code_version(__name__, libraries=LIBRARIES)}"
    return hashlib.sha256(text.encode()).hexdigest()[:ADDRESS_DIGITS]


@dataclass(frozen=True)
class Order:
    """A file to take in.

    Attributes:
        path: Where it lies.
        sha256, stamp: What it had when it was hashed.
        form: Of its clips.
        folder: Where their samples go (`track_cache.keep_samples`).
    """

    path: Path
    sha256: str
    stamp: Stamp
    form: ClipForm
    folder: Path


def take_in(order: Order) -> Mapping[str, Any] | Sequence[str]:
    """What comes of a file, as `OUTCOME` has it in JSON; never raises for what a file holds.

    Of a rejection that says nothing about the content, and is therefore not kept, reason and detail alone.
    """
    outcome: Track | Rejection
    passing: Sequence[str] = ()
    clips: list[np.ndarray] = []
    try:
        outcome, clips = clips_of(order.path, order.sha256, order.form, order.folder)
    except RejectedError as error:
        outcome = Rejection(error.reason, error.detail)
    except ValueError as error:
        outcome = Rejection(rejection.UNREADABLE, f"ValueError: {error}".replace(str(order.path), "the file"))
    except (MemoryError, OSError) as error:
        message = f"{type(error).__name__}: {error}".replace(str(order.path), "the file")
        passing = (rejection.UNREADABLE, message)
    if _changed(order):
        return rejection.UNREADABLE, "the file changed while it was read"
    if passing:
        return passing
    if clips:
        keep_samples(order.folder, order.sha256, clips)
    told: Mapping[str, Any] = OUTCOME.dump_python(outcome, mode="json")
    return told


def _changed(order: Order) -> bool:
    try:
        return Stamp.of(order.path) != order.stamp and sha256_file(order.path) != order.sha256
    except OSError:
        return True


def lost(order: Order, hung: bool) -> Sequence[str]:
    """What becomes of a file whose decoder kills its process, or takes longer than `max_file_seconds`."""
    if hung:
        return rejection.TIMEOUT, "it took longer than a file may; its process was killed"
    return rejection.CRASHED, "the process that decoded it died"


def prepare() -> None:
    """Import and compile all that `take_in` uses."""
    import av  # noqa: F401
    import soundfile  # noqa: F401

    rate, noise_SC = 8_000, np.random.default_rng(0).uniform(-0.1, 0.1, (8_000, 2)).astype(np.float32)
    audio_SC = resampled(noise_SC, from_rate=2 * rate, sample_rate=rate, channels=2, silence_dbfs=-60.0)
    level = level_of(audio_SC, rate, loudness_lufs=-20.0, stretches=[(0, len(audio_SC))])
    pcm = pcm_of(audio_SC, level.gain, track_id="", offset_samples=0)
    measure(pcm, rate, loudness_lufs=level.loudness_lufs[0], source_SC=noise_SC)


def clips_of(path: Path, sha256: str, form: ClipForm, scratch: Path | None = None) -> tuple[Track, list[np.ndarray]]:
    """A file's track and its clips' samples, int16 [samples, channels] each.

    Args:
        path, sha256: The file.
        form: Of its clips.
        scratch: Folder for the samples of long tracks.

    Raises:
        RejectedError: With the reason.
    """
    decoded = decode(path, min_seconds=form.min_track_seconds, max_seconds=form.max_track_seconds, scratch=scratch)
    screened = screen(decoded.audio_SC, decoded.sample_rate, form.screening, scratch)
    audio_SC = resampled(
        screened.audio_SC,
        from_rate=decoded.sample_rate,
        sample_rate=form.sample_rate,
        channels=form.channels,
        silence_dbfs=form.silence_dbfs,
        scratch=scratch,
    )
    if len(audio_SC) < form.clip_samples:  # min_track_seconds of a clip, rounded down to a sample
        audio_SC = np.pad(audio_SC, ((0, form.clip_samples - len(audio_SC)), (0, 0)))
    starts = offsets(len(audio_SC), clip_samples=form.clip_samples, hop_samples=form.hop_samples)
    stretches = [(start, start + form.clip_samples) for start in starts]
    level = level_of(audio_SC, form.sample_rate, loudness_lufs=form.loudness_lufs, stretches=stretches)
    to_source = decoded.sample_rate / form.sample_rate
    clips: list[Clip] = []
    kept: list[np.ndarray] = []
    for (start, stop), loudness in zip(stretches, level.loudness_lufs, strict=True):
        pcm = pcm_of(audio_SC[start:stop], level.gain, track_id=sha256[:ADDRESS_DIGITS], offset_samples=start)
        source_SC = decoded.audio_SC[round(start * to_source) : round(stop * to_source)]
        measures = measure(pcm, form.sample_rate, loudness_lufs=loudness, source_SC=source_SC)
        if measures.peak_dbfs >= form.silence_dbfs:
            clips.append(Clip(pcm.clip_id, start, measures))
            kept.append(pcm.samples_SC)
    silent = len(stretches) - len(clips)
    if not clips:
        seconds = silent * form.clip_seconds
        raise RejectedError(
            rejection.SILENT, f"nothing to hear: all {seconds:.1f} s of clips lie below {form.silence_dbfs:g} dBFS"
        )
    repairs = decoded.repairs + screened.repairs
    if float(np.mean([clip.measures.clipped_share for clip in clips])) > NOTED_CLIPPED_SHARE:
        repairs += (CLIPPED,)
    channels = decoded.audio_SC.shape[1]
    track = Track(decoded.seconds, decoded.sample_rate, channels, tuple(clips), silent, repairs)
    return track, kept
