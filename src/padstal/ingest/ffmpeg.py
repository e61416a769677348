"""MP3, AAC, ALAC and all of Ogg by FFmpeg, which PyAV carries, so that every machine decodes alike.

It trims the silence that codecs add, by the edit list, the LAME tag and the Ogg positions. The demuxer is named and
never guessed: a playlist under an audio name would otherwise be followed.
"""

import os
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.container_info import Contents, check_form, check_length
from padstal.ingest.rejection import RejectedError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

DEMUXERS = {"ogg": "ogg", "mp3": "mp3", "aac": "aac", "m4a": "mov", "flac": "flac"}
DECODERS = frozenset({"vorbis", "opus", "flac", "mp3", "mp3float", "aac", "alac"})
KINDS = {"flt": (np.float32, 1.0), "dbl": (np.float64, 1.0), "s16": (np.int16, 2.0**-15), "s32": (np.int32, 2.0**-31)}
"""FFmpeg's sample formats: type, and what scales it to [−1, 1)."""
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
    if first.format.name.removesuffix("p") not in KINDS:
        raise RejectedError(rejection.FORMAT, f"samples of kind {first.format.name}: expected 16 or 32 bits")
    limit = round(max_seconds * rate) + found.slack
    room = round(UNKNOWN_ROOM_SECONDS * rate) if expected is None else expected + found.slack
    audio_SC = np.empty((min(limit, room), channels), np.float32)
    at = 0
    for frame in chain((first,), decoded):
        if (frame.sample_rate, frame.layout.nb_channels, frame.format.name) != (rate, channels, first.format.name):
            raise RejectedError(
                rejection.DAMAGED,
                f"{frame.sample_rate} Hz in {frame.layout.nb_channels} channels after {at} samples: expected {rate} Hz "
                f"in {channels} as before",
            )
        if at + frame.samples > len(audio_SC):
            audio_SC = _grown(audio_SC, at + frame.samples, limit, expected, found)
        at += _copy(frame, audio_SC[at:])
    if expected is None:
        check_length(at, rate, channels, min_seconds=min_seconds, max_seconds=max_seconds)
    elif at < expected - found.slack:
        raise RejectedError(rejection.TRUNCATED, f"the container says {expected} frames, {at} decode")
    elif found.trim:
        at = min(at, expected)
    return audio_SC[:at], rate


def _expected(stream: "av.AudioStream", found: Contents, rate: int) -> int | None:
    """Frames that should decode; of Ogg less what a stream that was joined late lacks."""
    if found.frames is None:
        return None
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


def _copy(frame: "av.AudioFrame", room_SC: np.ndarray) -> int:
    """Put a frame's samples into the start of `room_SC`, integers scaled to [−1, 1); how many found room."""
    kind, scale = KINDS[frame.format.name.removesuffix("p")]
    channels, count = room_SC.shape[1], min(frame.samples, len(room_SC))
    if frame.format.is_planar:
        for channel, plane in enumerate(frame.planes):
            room_SC[:count, channel] = np.frombuffer(memoryview(plane), kind, count)
    else:
        room_SC[:count] = np.frombuffer(memoryview(frame.planes[0]), kind, count * channels).reshape(count, channels)
    if scale != 1:
        room_SC[:count] *= np.float32(scale)
    return count
