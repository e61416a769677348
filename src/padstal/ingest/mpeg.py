"""MPEG audio frames: MP3 (ISO 11172-3, 13818-3) and AAC in ADTS (ISO 13818-7), with the tags around them.

Neither has a table of contents, and decoders look for the next frame wherever one is lost; here every frame must
follow on the last, so that a cut, foreign bytes or a second stream are found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import JUNK, Contents, check_form
from padstal.ingest.rejection import RejectedError

HEAD_BYTES = 40
"""Enough of a frame to see its header and whether it carries a Xing, Info or VBRI table."""
SEARCHED = 65_536
"""Foreign bytes before the first frame or after the last that are put up with."""
MOST_TAGS = 100
SURE_FRAMES = 3
"""Frames in a row that cannot be chance."""
DECODER_DELAY = 529
"""Samples that an MP3 decoder puts in front."""

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
    """Where the tags (ID3, APE) and up to `SEARCHED` zeros that begin at `position` end."""
    for _ in range(MOST_TAGS):
        file.seek(position)
        head = file.read(32)
        if head[:3] == b"ID3" and len(head) >= 10:
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            position += 10 + size + (10 if head[5] & 0x10 else 0)
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            position += 32 + (int.from_bytes(head[12:16], "little") if head[23] & 0x20 else 0)
        elif head[:3] == b"TAG":
            position += 128
        elif head and not any(head):
            file.seek(position)
            zeros = file.read(SEARCHED)
            rest = len(zeros.lstrip(b"\0"))
            position += len(zeros) - rest
            if not rest and position < total:
                break
        else:
            break
    return position


def mp3(file: BinaryIO, start: int, total: int) -> Contents | None:
    """The MP3 whose first frame lies at `start` or within `SEARCHED` bytes of it; None where there is none."""
    first = _find(file, start, total, lambda head: mp3_frame(head[:4]))
    if first is None:
        return None
    stream = _walk(file, first, total, lambda head: mp3_frame(head[:4]))
    check_form(stream.first.rate, stream.first.channels)
    samples = stream.frames * stream.first.samples
    if stream.table:
        samples -= stream.first.samples
        samples -= _check_table(stream)
    return _contents("mp3", stream, max(0, samples), first, junk=first > start or stream.junk)


def adts(file: BinaryIO, start: int, total: int) -> Contents | None:
    """The AAC stream whose first frame lies at `start`; None where there is none.

    ADTS does not say by how much the encoder delays the sound (1,024 samples or more): it stays.
    """
    if _run(file, start, total, lambda head: adts_frame(head[:7])) < 2:
        return None
    stream = _walk(file, start, total, lambda head: adts_frame(head[:7]))
    check_form(stream.first.rate, stream.first.channels or 1)
    return _contents("aac", stream, stream.frames * stream.first.samples, start, junk=stream.junk)


@dataclass(frozen=True)
class _Stream:
    """Frames that follow on each other: the first, how many, their bytes, the first's table, whether junk follows."""

    first: Frame
    frames: int
    length: int
    table: bytes
    junk: bool


def _contents(container: str, stream: _Stream, samples: int, start: int, *, junk: bool) -> Contents:
    return Contents(
        container,
        samples,
        stream.first.rate,
        slack=2 * stream.first.samples,
        stretch=(start, start + stream.length),
        repairs=(JUNK,) if junk else (),
    )


def _walk(file: BinaryIO, start: int, total: int, parse: Callable[[bytes], Frame | None]) -> _Stream:
    position, frames, table = start, 0, b""
    first: Frame | None = None
    while position < total:
        file.seek(position)
        head = file.read(HEAD_BYTES)
        frame = parse(head)
        if frame is None or (first is not None and not frame.goes_with(first)):
            break
        if position + frame.length > total:
            raise RejectedError(
                rejection.TRUNCATED, f"frame {frames} ends at byte {position + frame.length}, the file has {total}"
            )
        if first is None:
            first, table = frame, _table(file, position, frame, head)
        elif frame.table and head[frame.table : frame.table + 4] in (b"Xing", b"Info"):
            raise RejectedError(rejection.SEVERAL_STREAMS, f"another stream begins at byte {position}: expected one")
        position += frame.length
        frames += 1
    assert first is not None
    return _Stream(first, frames, position - start, table, _rest(file, position, total, parse))


def _rest(file: BinaryIO, position: int, total: int, parse: Callable[[bytes], Frame | None]) -> bool:
    """Whether there are foreign bytes after the last frame, tags not counted.

    Raises:
        RejectedError: `several_streams` or `damaged` where frames go on, or where there is too much.
    """
    end = after_tags(file, position, total)
    file.seek(end)
    if end >= total or file.read(11) == b"LYRICSBEGIN":
        return False
    again = _find(file, end, total, parse)
    if again is not None:
        kind = rejection.SEVERAL_STREAMS if end > position and again == end else rejection.DAMAGED
        raise RejectedError(kind, f"{again - position} bytes at {position} are no frames, and then frames go on")
    if total - end > SEARCHED:
        raise RejectedError(rejection.DAMAGED, f"{total - end} bytes after the last frame: expected a tag at most")
    return True


def _find(file: BinaryIO, start: int, total: int, parse: Callable[[bytes], Frame | None]) -> int | None:
    """The first of `SURE_FRAMES` frames in a row from `start` on, or of fewer that end the file."""
    if _run(file, start, total, parse):
        return start
    file.seek(start)
    window = file.read(SEARCHED)
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


def _table(file: BinaryIO, position: int, frame: Frame, head: bytes) -> bytes:
    """The Xing, Info or VBRI table that the first frame of an MP3 holds instead of sound; b"" for none."""
    at = frame.table
    if at and head[at : at + 4] not in (b"Xing", b"Info"):
        at = 36 if head[36:40] == b"VBRI" else 0
    if not at:
        return b""
    file.seek(position + at)
    return file.read(max(0, frame.length - at))


def _check_table(stream: _Stream) -> int:
    """Samples that the table says are the encoder's padding.

    Raises:
        RejectedError: `truncated` where frames or bytes that it counts are missing.
    """
    table = stream.table
    declared: dict[str, int | None] = {"frames": None, "bytes": None}
    at, padding = 8, 0
    if table[:4] == b"VBRI":
        declared = {"bytes": _number(table, 10), "frames": _number(table, 14)}
    else:
        flags = _number(table, 4)
        for bit, name in enumerate(declared):
            if flags >> bit & 1:
                declared[name] = _number(table, at)
                at += 4
        at += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
        if table[at : at + 4] in (b"LAME", b"Lavf", b"Lavc") and len(table) >= at + 24:
            packed = int.from_bytes(table[at + 21 : at + 24], "big")
            delay, end = packed >> 12, packed & 0xFFF
            padding = delay + DECODER_DELAY + max(0, end - DECODER_DELAY)
    frames, length = declared["frames"], declared["bytes"]
    if frames is not None and stream.frames < frames:  # the table's own frame is one of ours; some count it too
        raise RejectedError(rejection.TRUNCATED, f"its table says {frames} frames, {stream.frames - 1} are there")
    if frames is not None and stream.frames > frames + 1:
        raise RejectedError(rejection.DAMAGED, f"its table says {frames} frames, {stream.frames - 1} are there")
    if length is not None and stream.length < length:
        raise RejectedError(rejection.TRUNCATED, f"its table says {length} bytes, {stream.length} are there")
    return padding


def _number(table: bytes, at: int) -> int:
    return int.from_bytes(table[at : at + 4], "big")
