"""MP3, AAC, ALAC, FLAC and all of Ogg by FFmpeg, which PyAV carries, so that every machine decodes alike.

It trims the silence that codecs add, by the edit list, the LAME tag and the Ogg positions. The demuxer is named and
never guessed: a playlist under an audio name would otherwise be followed.
"""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.blocks import release, room
from padstal.ingest.byte_view import ByteView
from padstal.ingest.container_info import LATE, Contents, Limits, check_form, check_length, cut_short
from padstal.ingest.mp4 import Packets
from padstal.ingest.ogg import no_end
from padstal.ingest.rejection import RejectedError, damaged, unsupported
from padstal.ingest.sample_digest import SampleDigest

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
NOTED_LATE_SECONDS = 0.1
"""Of a missing beginning; codecs' delays are shorter."""


def read(file: BinaryIO, found: Contents, limits: Limits) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """Samples float32 [S, C] and sample rate of a file whose container was found whole, and what else is wrong.

    Raises:
        RejectedError: `no_audio`, `format`, `unreadable`, `sample_rate`, `channels`, `empty`, `too_short`, `too_long`,
            `too_large`, `truncated` or `damaged`.
    """
    import av

    start, end = found.stretch or (0, os.fstat(file.fileno()).st_size)
    file.seek(start)
    try:
        with av.open(
            ByteView(file, start, end, found.patches), format=DEMUXERS[found.container], metadata_errors="replace"
        ) as container:
            assert isinstance(container, av.container.InputContainer)
            if not container.streams.audio:
                raise RejectedError(rejection.NO_AUDIO, "no sound stream")
            stream = container.streams.audio[0]
            if stream.codec_context.name not in DECODERS:
                raise unsupported(f"codec {stream.codec_context.name}: expected MP3, AAC or ALAC")
            stream.codec_context.options = STRICT
            stream.codec_context.thread_count = 1
            return _read(container, stream, found, limits)
    except av.FFmpegError as error:
        raise RejectedError(rejection.UNREADABLE, f"its header cannot be read (FFmpeg: {error.strerror})") from None


def _frames(
    container: "InputContainer", stream: "av.AudioStream", packets: Packets | None
) -> Iterator["av.AudioFrame"]:
    """What decodes.

    Raises:
        RejectedError: `unreadable` or `damaged`, with the seconds before the place.
    """
    import av

    at, rate = 0, 1
    try:
        for packet in container.demux(stream):
            if packets and packet.size and packet.pos is not None:
                packets.add(packet.pos, packet.size, packet.dts or 0, packet.duration or 0)
            for frame in packet.decode():
                at, rate = at + frame.samples, frame.sample_rate
                yield frame
    except av.FFmpegError:
        raise RejectedError(rejection.UNREADABLE, f"damaged: only the first {at / rate:.2f} s can be decoded") from None


def _read(
    container: "InputContainer", stream: "av.AudioStream", found: Contents, limits: Limits
) -> tuple[np.ndarray, int, tuple[str, ...]]:
    unguarded = found.container == "flac" and not found.md5
    packets = Packets(found) if found.container == "m4a" or unguarded else None
    decoded = _frames(container, stream, packets)
    first = next(decoded, None)
    if first is None:
        raise RejectedError(rejection.EMPTY, "nothing decodes: 0.0 s of sound")
    rate, channels = first.sample_rate, first.layout.nb_channels
    check_form(rate, channels)
    if found.channels and (rate, channels) != (found.rate, found.channels):
        raise damaged(
            f"its header says {found.rate} Hz and {found.channels} channels: expected {rate} Hz and {channels}, as its "
            "sound has"
        )
    late = _late(stream, found, rate)
    expected = None if found.frames is None else round(found.frames * rate / found.rate) - late
    if expected is not None:
        check_length(expected, rate, channels, limits)
    if first.format.name.removesuffix("p") not in KINDS:
        raise unsupported(f"samples of kind {first.format.name}: expected 16 or 32 bits")
    limit = round(limits.max_seconds * rate) + found.slack
    guess = round((stream.duration or 0) * (stream.time_base or 0) * rate) or round(UNKNOWN_ROOM_SECONDS * rate)
    length = (guess if expected is None else expected) + found.slack
    audio_SC = room(min(limit, length), channels, limits.scratch)
    digest, at = SampleDigest(found.md5, found.bits), 0
    for frame in chain((first,), decoded):
        if (frame.sample_rate, frame.layout.nb_channels, frame.format.name) != (rate, channels, first.format.name):
            raise damaged(
                f"after {at / rate:.2f} s its sound has {frame.sample_rate} Hz and {frame.layout.nb_channels} "
                f"channels: expected {rate} Hz and {channels} as before"
            )
        if at + frame.samples > len(audio_SC):
            audio_SC = _grown(audio_SC, at + frame.samples, limit, expected, found, limits.scratch)
        at += _copy(frame, audio_SC[at:], digest)
        release(audio_SC)
    if expected is None and packets:
        packets.check()
        expected = round((packets.duration - found.skipped) * rate / found.rate)
    if expected is None:
        expected = at
    if at < expected - found.slack:
        raise cut_short(at, expected, rate)
    if found.unended and at <= expected:
        raise no_end(expected, rate)
    if found.trim:
        at = min(at, expected)
    check_length(at, rate, channels, limits)
    digest.check()
    noted = (LATE,) if late > (0 if found.container == "flac" else NOTED_LATE_SECONDS * rate) else ()
    return audio_SC[:at], rate, noted


def _late(stream: "av.AudioStream", found: Contents, rate: int) -> int:
    """Samples that a stream lacks which was joined late."""
    timed = found.container == "ogg" or found.sounds or found.frames is None
    begin = max(0, (stream.start_time or 0) - found.pause) if timed else 0
    return round(begin * rate / found.rate) if found.rate else 0


def _grown(
    audio_SC: np.ndarray, needed: int, limit: int, expected: int | None, found: Contents, scratch: Path | None
) -> np.ndarray:
    """Twice the room; the same where the rest is to be cut off.

    Raises:
        RejectedError: `too_long`, or `damaged` where the container promised less.
    """
    if expected is not None and found.trim and needed <= len(audio_SC) + found.slack:
        return audio_SC
    if expected is not None:
        raise damaged(f"it says that it has {expected} samples a channel: expected the {needed} that decode")
    if needed > limit:
        raise RejectedError(rejection.TOO_LONG, f"more than {needed} samples a channel: expected {limit} at most")
    grown_SC = room(min(limit, 2 * len(audio_SC)), audio_SC.shape[1], scratch)
    grown_SC[: len(audio_SC)] = audio_SC
    return grown_SC


def _copy(frame: "av.AudioFrame", room_SC: np.ndarray, digest: SampleDigest) -> int:
    """Put a frame's samples into the start of `room_SC`, integers scaled to [−1, 1); how many found room."""
    kind, scale = KINDS[frame.format.name.removesuffix("p")]
    channels, count = room_SC.shape[1], min(frame.samples, len(room_SC))
    if frame.format.is_planar:
        planes = [np.frombuffer(memoryview(plane), kind, count) for plane in frame.planes]
        for channel, plane in enumerate(planes):
            room_SC[:count, channel] = plane
        if digest.wanted:
            digest.update(np.stack(planes, axis=1))
    else:
        samples_SC = np.frombuffer(memoryview(frame.planes[0]), kind, count * channels).reshape(count, channels)
        room_SC[:count] = samples_SC
        if digest.wanted:
            digest.update(samples_SC)
    if scale != 1:
        room_SC[:count] *= np.float32(scale)
    return count
