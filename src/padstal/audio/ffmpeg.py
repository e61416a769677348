"""MP3, AAC, ALAC and all of Ogg by FFmpeg, which PyAV carries, so that every machine decodes alike.

It trims the silence that codecs add, by the edit list, the LAME tag and the Ogg positions. The demuxer is named and
never guessed: a playlist under an audio name would otherwise be followed.
"""

import os
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from padstal.audio import rejection
from padstal.audio.contents import Contents, check_form, check_length
from padstal.audio.rejection import RejectedError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

DEMUXERS = {"ogg": "ogg", "mp3": "mp3", "aac": "aac", "m4a": "mov", "flac": "flac"}
DECODERS = frozenset({"vorbis", "opus", "flac", "mp3", "mp3float", "aac", "alac"})
STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}
"""A packet that breaks its format ends decoding instead of sounding like something."""
UNKNOWN_ROOM_SECONDS = 60.0
"""Room to begin with where a length is unknown; it doubles as needed."""


@dataclass
class _Stretch:
    """The bytes from `start` to `end` of a file, as a file."""

    file: BinaryIO
    start: int
    end: int

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.end - self.file.tell())
        return self.file.read(left if count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: self.start, os.SEEK_CUR: self.file.tell(), os.SEEK_END: self.end}[whence]
        return self.file.seek(max(self.start, base + offset)) - self.start

    def tell(self) -> int:
        return self.file.tell() - self.start


def read(file: BinaryIO, found: Contents, *, min_seconds: float, max_seconds: float) -> tuple[np.ndarray, int]:
    """Samples float32 [S, C] and sample rate of a file whose container was found whole.

    Raises:
        RejectedError: `no_audio`, `format`, `unreadable`, `sample_rate`, `channels`, `empty`, `too_short`, `too_long`,
            `too_large`, `truncated` or `damaged`.
    """
    import av

    start, end = found.stretch or (0, os.fstat(file.fileno()).st_size)
    file.seek(start)
    try:
        stretch = _Stretch(file, start, end)
        with av.open(stretch, format=DEMUXERS[found.container], metadata_errors="replace") as container:
            assert isinstance(container, av.container.InputContainer)
            if not container.streams.audio:
                raise RejectedError(rejection.NO_AUDIO, "no sound stream")
            stream = container.streams.audio[0]
            if stream.codec_context.name not in DECODERS:
                raise RejectedError(rejection.FORMAT, f"codec {stream.codec_context.name}: expected MP3, AAC or ALAC")
            stream.codec_context.options = STRICT
            stream.codec_context.thread_count = 1
            return _read(container, stream, found, min_seconds, max_seconds)
    except av.FFmpegError as error:
        raise RejectedError(rejection.UNREADABLE, f"FFmpeg: {error.strerror}") from None


def _read(
    container: "InputContainer",
    stream: "av.AudioStream",
    found: Contents,
    min_seconds: float,
    max_seconds: float,
) -> tuple[np.ndarray, int]:
    decoded = container.decode(stream)
    first = next(decoded, None)
    if first is None:
        raise RejectedError(rejection.EMPTY, "nothing decodes")
    rate, channels = first.sample_rate, first.layout.nb_channels
    check_form(rate, channels)
    expected = _expected(stream, found, rate)
    if expected is not None:
        check_length(expected, rate, channels, min_seconds=min_seconds, max_seconds=max_seconds)
    limit = round(max_seconds * rate) + found.slack
    room = round(UNKNOWN_ROOM_SECONDS * rate) if expected is None else expected + found.slack
    audio_SC = np.empty((min(limit, room), channels), np.float32)
    at = 0
    for frame in chain((first,), decoded):
        if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
            raise RejectedError(
                rejection.DAMAGED,
                f"{frame.sample_rate} Hz in {frame.layout.nb_channels} channels after {at} samples: expected {rate} Hz "
                f"in {channels} as before",
            )
        block_SC = _samples(frame, channels)
        if at + len(block_SC) > len(audio_SC):
            audio_SC = _grown(audio_SC, at + len(block_SC), limit, expected, found)
        audio_SC[at : at + len(block_SC)] = block_SC[: len(audio_SC) - at]
        at = min(at + len(block_SC), len(audio_SC))
    if expected is None:
        check_length(at, rate, channels, min_seconds=min_seconds, max_seconds=max_seconds)
    elif at < expected - found.slack:
        raise RejectedError(rejection.TRUNCATED, f"the container says {expected} frames, {at} decode")
    elif found.trim:
        at = min(at, expected)
    return audio_SC[:at], rate


def _expected(stream: "av.AudioStream", found: Contents, rate: int) -> int | None:
    """Frames that should decode: of MP4 what its edit list leaves, of others what the container counts."""
    if found.frames is None:
        known = stream.duration if found.container == "m4a" else None
        return round(known * stream.time_base * rate) if known and stream.time_base else None
    late = max(0, stream.start_time or 0) if found.container == "ogg" else 0
    return round((found.frames - late) * rate / found.rate)


def _grown(audio_SC: np.ndarray, needed: int, limit: int, expected: int | None, found: Contents) -> np.ndarray:
    """Twice the room; the same where the rest is to be cut off.

    Raises:
        RejectedError: `too_long`, or `damaged` where the container promised less.
    """
    if expected is not None and found.trim and needed <= len(audio_SC) + found.slack:
        return audio_SC
    if expected is not None:
        raise RejectedError(rejection.DAMAGED, f"the container says {expected} frames, more than {needed} decode")
    if needed > limit:
        raise RejectedError(rejection.TOO_LONG, f"more than {needed} frames")
    grown_SC = np.empty((min(limit, 2 * len(audio_SC)), audio_SC.shape[1]), np.float32)
    grown_SC[: len(audio_SC)] = audio_SC
    return grown_SC


def _samples(frame: "av.AudioFrame", channels: int) -> np.ndarray:
    """Samples [S, C] of a frame, integers scaled to [−1, 1)."""
    samples = frame.to_ndarray()
    samples_SC = samples.T if frame.format.is_planar else samples.reshape(-1, channels)
    if samples_SC.dtype.kind == "i":
        return samples_SC.astype(np.float32) / np.float32(2 ** (8 * samples_SC.dtype.itemsize - 1))
    return samples_SC
