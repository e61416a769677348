"""MPEG audio frames: MP3 (ISO 11172-3, 13818-3) and AAC in ADTS (ISO 13818-7), with the tags around them.

Neither has a table of contents, and decoders look for the next frame wherever one is lost; here every frame must
follow on the last, so that a cut, foreign bytes or a second stream are found.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.container_info import (
    CHECKSUM,
    HALF,
    JUNK,
    LENGTH,
    MOST_JUNK,
    NO_COUNT,
    TABLE,
    Contents,
    check_form,
    cut_short,
    number,
    printable,
)
from padstal.ingest.rejection import RejectedError, damaged

HEAD_BYTES = 40
"""Enough of a frame to see its header and whether it carries a Xing, Info or VBRI table."""
MOST_TAGS = 100
SURE_FRAMES = 3
"""Frames in a row that cannot be chance."""
DECODER_DELAY = 529
"""Samples that an MP3 decoder puts in front."""
ENCODERS = (b"LAME", b"Lavf", b"Lavc")
"""Whose tables say how much padding there is, and have a checksum of the sound."""
PARTS_OF_NAMES = (b"LAM", b"AME", b"ME3", b"E3.", b"Lav", b"avf", b"avc")
"""One of them is left where a table or its encoder's name is damaged."""
CHECKED_BYTES = 34
"""Of a table from the encoder's name on: those before its own checksum."""

_MP3_KBIT = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_MP3_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By version: 3 for MPEG-1, 2 for MPEG-2, 0 for MPEG-2.5."""
_ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


@dataclass(frozen=True)
class Frame:
    """What a frame's header says.

    Attributes:
        length: Bytes with the header.
        samples, rate, channels: What it decodes to; 0 channels where the stream says it elsewhere.
        table: Offset at which a Xing or Info table would begin; 0 where there is none.
    """

    length: int
    samples: int
    rate: int
    channels: int
    table: int

    def goes_with(self, other: "Frame") -> bool:
        """Whether both can be of one stream."""
        return (self.samples, self.rate, self.channels) == (other.samples, other.rate, other.channels)


@lru_cache(maxsize=4096)
def mp3_frame(head: bytes) -> Frame | None:
    """The layer III frame of which `head` has the first four bytes; None for anything else."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, kbit, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate == 3 or kbit in (0, 15):
        return None
    samples = 1152 if version == 3 else 576
    mono = head[3] >> 6 == 3
    hertz = _MP3_RATES[version][rate]
    length = samples // 8 * _MP3_KBIT[3 if version == 3 else 2][kbit] * 1000 // hertz + (head[2] >> 1 & 1)
    table = 4 + ((17 if mono else 32) if version == 3 else (9 if mono else 17))
    return Frame(length, samples, hertz, 1 if mono else 2, table)


@lru_cache(maxsize=4096)
def adts_frame(head: bytes) -> Frame | None:
    """The ADTS frame of which `head` has the first seven bytes; None for anything else."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate = head[2] >> 2 & 15
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(_ADTS_RATES) or length < 8:
        return None
    channels = (head[2] & 1) << 2 | head[3] >> 6
    return Frame(length, 1024 * ((head[6] & 3) + 1), _ADTS_RATES[rate], 8 if channels == 7 else channels, 0)


def after_tags(file: BinaryIO, position: int, total: int) -> int:
    """Where the tags (ID3, APE, Lyrics3) and up to `MOST_JUNK` zeros that begin at `position` end."""
    for _ in range(MOST_TAGS):
        file.seek(position)
        head = file.read(32)
        if head[:3] == b"ID3" and len(head) >= 10:
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            position += 10 + size + (10 if head[5] & 0x10 else 0)
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            position += 32 + (number(head, 12, order="little") if head[23] & 0x20 else 0)
        elif head[:3] == b"TAG":
            position += 128
        elif head[:11] == b"LYRICSBEGIN":
            file.seek(position)
            ended = re.search(b"LYRICS(200|END)", file.read(MOST_JUNK))
            position = position + ended.end() if ended else total
        elif head and not any(head):
            file.seek(position)
            zeros = file.read(MOST_JUNK)
            rest = len(zeros.lstrip(b"\0"))
            position += len(zeros) - rest
            if not rest and position < total:
                break
        else:
            break
    return position


def mp3(file: BinaryIO, start: int, total: int) -> Contents | None:
    """The MP3 whose first frame lies at `start` or within `MOST_JUNK` bytes of it; None where there is none."""
    first = _find(file, start, total, lambda head: mp3_frame(head[:4]))
    if first is None:
        return None
    stream = _walk(file, first, total, lambda head: mp3_frame(head[:4]), halves=True)
    check_form(stream.first.rate, stream.first.channels)
    repairs = [JUNK] * (first > start or stream.junk) + [HALF] * bool(stream.half)
    samples, start = stream.frames * stream.first.samples, first
    written = _table(stream.opening, stream.first.table)
    table = _Table.read(written) if written else _Table(None, None, 0, None)
    if written:
        samples -= stream.first.samples
        repairs += _check_table(table, stream, total - first)
        if table.frames or table.length:
            samples -= table.padding
        else:  # FFmpeg takes its frame for sound then, and does not see the padding
            start += stream.first.length
        if table.checksum and not stream.half:
            repairs += _check_sums(file, first, stream, table)
    if table.checksum is None and (table.nameless or any(part in stream.opening for part in PARTS_OF_NAMES)):
        repairs.append(TABLE)
    return stream.contents("mp3", max(0, samples), (start, first + stream.length), tuple(repairs))


def adts(file: BinaryIO, start: int, total: int) -> Contents | None:
    """The AAC stream whose first frame lies at `start`; None where there is none.

    ADTS does not say by how much the encoder delays the sound (1,024 samples or more): it stays.
    """
    if _run(file, start, total, lambda head: adts_frame(head[:7])) < 2:
        return None
    stream = _walk(file, start, total, lambda head: adts_frame(head[:7]))
    check_form(stream.first.rate, stream.first.channels or 1)
    samples, end = stream.frames * stream.first.samples, start + stream.length
    return stream.contents("aac", samples, (start, end), (JUNK,) if stream.junk else ())


@dataclass(frozen=True)
class _Stream:
    """Frames that follow on each other.

    Attributes:
        first: Of them.
        frames, length: How many, and their bytes.
        opening: The bytes of the first.
        half: Bytes that a last frame should have of which only a part is there; 0 for none.
        junk: Whether foreign bytes follow.
    """

    first: Frame
    frames: int
    length: int
    opening: bytes
    half: int
    junk: bool

    @property
    def bytes_per_second(self) -> float:
        return self.length * self.first.rate / (self.frames * self.first.samples)

    def contents(self, container: str, samples: int, stretch: tuple[int, int], repairs: tuple[str, ...]) -> Contents:
        slack = 2 * self.first.samples
        return Contents(container, samples, self.first.rate, slack=slack, stretch=stretch, repairs=repairs)


def _walk(
    file: BinaryIO, start: int, total: int, parse: Callable[[bytes], Frame | None], halves: bool = False
) -> _Stream:
    """All frames from `start` on; with `halves`, a last one that ends early, at a tag or with the file, is left out.

    Raises:
        RejectedError: `truncated`, `several_streams` or `damaged`.
    """
    position, last, frames, opening = start, 0, 0, b""
    first: Frame | None = None
    while position < total:
        file.seek(position)
        head = file.read(HEAD_BYTES)
        frame = parse(head)
        if frame is None or (first is not None and not frame.goes_with(first)):
            break
        if first is None:
            file.seek(position)
            first, opening = frame, file.read(frame.length)
        elif frame.table and head[frame.table : frame.table + 4] in (b"Xing", b"Info"):
            raise RejectedError(
                rejection.SEVERAL_STREAMS,
                f"another stream begins after {frames * frame.samples / frame.rate:.2f} s: expected one",
            )
        last = frame.length
        position += last
        frames += 1
    assert first is not None
    if not _ends_early(file, position - last, position, total):
        junk = _rest(file, position, total, first, frames, parse)
        return _Stream(first, frames, position - start, opening, 0, junk)
    if not halves or frames == 1:
        raise cut_short((frames - 1) * first.samples, frames * first.samples, first.rate)
    return _Stream(first, frames - 1, position - last - start, opening, last, False)


def _ends_early(file: BinaryIO, start: int, end: int, total: int) -> bool:
    """Whether a last frame from `start` to `end` runs beyond the file, or into the tags or zeros that end the file.

    Encoders pad with zeros, too: only those that are half of it are none of its own.
    """
    file.seek(start)
    inside = file.read(end - start + len(b"APETAGEX"))
    marks = re.finditer(b"TAG|ID3|APETAGEX|LYRICSBE|\0{%d}" % ((end - start) // 2), inside)
    places = [start + mark.start() for mark in marks]
    return end > total or any(place < end and after_tags(file, place, total) == total for place in places)


def _rest(
    file: BinaryIO, position: int, total: int, first: Frame, frames: int, parse: Callable[[bytes], Frame | None]
) -> bool:
    """Whether there are foreign bytes after the last frame, tags not counted.

    Raises:
        RejectedError: `several_streams` or `damaged` where frames go on, or where there is too much.
    """
    end = after_tags(file, position, total)
    file.seek(end)
    if end >= total:
        return False
    again = _find(file, end, total, parse)
    if again is not None:
        kind = rejection.SEVERAL_STREAMS if end > position and again == end else rejection.DAMAGED
        raise RejectedError(
            kind,
            f"after {frames * first.samples / first.rate:.2f} s come {again - position} bytes that are no sound, and "
            "then sound goes on",
        )
    if total - end > MOST_JUNK:
        raise damaged(f"{total - end} foreign bytes follow the sound: expected a tag at most")
    return True


def _find(file: BinaryIO, start: int, total: int, parse: Callable[[bytes], Frame | None]) -> int | None:
    """The first of `SURE_FRAMES` frames in a row from `start` on, or of fewer that end the file."""
    if _run(file, start, total, parse):
        return start
    file.seek(start)
    window = file.read(MOST_JUNK)
    at = window.find(b"\xff")
    while at >= 0:
        if parse(window[at : at + HEAD_BYTES]) and _run(file, start + at, total, parse):
            return start + at
        at = window.find(b"\xff", at + 1)
    return None


def _run(file: BinaryIO, position: int, total: int, parse: Callable[[bytes], Frame | None]) -> int:
    """Frames in a row at `position`: `SURE_FRAMES`, or as many as there are before the file or its tags begin, or 0."""
    first: Frame | None = None
    for count in range(SURE_FRAMES):
        file.seek(position)
        frame = parse(file.read(HEAD_BYTES))
        if frame is None or (first is not None and not frame.goes_with(first)):
            return count if count and after_tags(file, position, total) >= total else 0
        first = first or frame
        position += frame.length
        if position > total:
            return count + 1 if count else 0
    return SURE_FRAMES


def _table(opening: bytes, at: int) -> bytes:
    """The Xing, Info or VBRI table that the first frame of an MP3 holds instead of sound; b"" for none.

    Args:
        opening: The frame.
        at: Where a Xing or Info table would begin; 0 where there can be none.
    """
    if opening[at : at + 4] not in (b"Xing", b"Info"):
        at = 36 if opening[36:40] == b"VBRI" else 0
    return opening[at:] if at else b""


@dataclass(frozen=True)
class _Table:
    """What a Xing, Info or VBRI table says; None where it says nothing.

    Attributes:
        frames: Without its own.
        length: Bytes from its own frame to the last.
        padding: Samples that the encoder put around the sound.
        checksum: Of the bytes of all frames behind its own (CRC-16); 0 for none.
        nameless: Whether an encoder's statement is there, and no name of an encoder in front of it.
    """

    frames: int | None
    length: int | None
    padding: int
    checksum: int | None
    nameless: bool = False

    @staticmethod
    def read(table: bytes) -> "_Table":
        """From the table's bytes."""
        if table[:4] == b"VBRI":
            return _Table(number(table, 14), number(table, 10), 0, None)
        flags, at = number(table, 4), 8
        frames = length = None
        if flags & 1:
            frames, at = number(table, at), at + 4
        if flags & 2:
            length, at = number(table, at), at + 4
        at += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
        encoder = table[at : at + 36]
        if encoder[:4] not in ENCODERS or len(encoder) < 36:
            return _Table(frames, length, 0, None, any(encoder) and "?" in printable(encoder[:4]))
        packed = number(encoder, 21, 3)
        padding = (packed >> 12) + DECODER_DELAY + max(0, (packed & 0xFFF) - DECODER_DELAY)
        return _Table(frames, length, padding, number(encoder, 32, 2))


def _check_table(table: _Table, stream: _Stream, left: int) -> list[str]:
    """What the table says wrongly, without harm, of a stream that begins `left` bytes before the file's end.

    Raises:
        RejectedError: `truncated` where frames or bytes that it counts are missing; `damaged` where there are more.
    """
    empty = [NO_COUNT] if 0 in (table.frames, table.length) else []
    frame, there = stream.first, stream.frames + bool(stream.half)
    if table.frames and there < table.frames:  # the table's own frame is one of ours; some count it too
        raise cut_short((stream.frames - 1) * frame.samples, table.frames * frame.samples, frame.rate)
    if table.frames and stream.frames > table.frames + 1:
        raise damaged(
            f"its table says {table.frames * frame.samples / frame.rate:.2f} s, and "
            f"{(stream.frames - 1) * frame.samples / frame.rate:.2f} s are there: expected them to agree"
        )
    if table.length and stream.length + stream.half < table.length:
        if table.length > left and not 0 < (table.frames or 0) < there:  # frames that are all there prove more
            raise cut_short(stream.length, table.length, stream.bytes_per_second)
        return [*empty, LENGTH]  # tags behind the sound are counted
    short = stream.length - (table.length or stream.length) > len(stream.opening)  # some do not count their own frame
    return [*empty, LENGTH] if short else empty


def _check_sums(file: BinaryIO, first: int, stream: _Stream, table: _Table) -> list[str]:
    """Whether the table and the sound of a stream that begins at byte `first` are what its encoder wrote."""
    from padstal.ingest.kernels import crc16

    head = stream.opening
    file.seek(first + len(head))
    sound = file.read(stream.length - len(head))
    wrong = [] if crc16(np.frombuffer(sound, np.uint8)) == table.checksum else [CHECKSUM]
    encoder = head.find(b"LAME")
    if encoder < 0:  # others sum the table up in other ways
        return wrong
    end = encoder + CHECKED_BYTES
    own = number(head, end, 2)
    return wrong if own in (0, crc16(np.frombuffer(head[:end], np.uint8))) else [*wrong, TABLE]
