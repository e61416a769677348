"""MP4 (ISO 14496-12): the tables of its sound track, and whether all that they count is there.

FFmpeg builds its index from these tables before anything can be checked, so absurd ones are turned away here.
"""

import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.container_info import JUNK, LATE, LENGTH, MOST_JUNK, Contents, cut_short, number, printable
from padstal.ingest.rejection import RejectedError, damaged, truncated, unsupported

LARGEST_MOOV = 64 * 2**20
"""Bytes of tables and tags (cover art among them)."""
MOST_BOXES = 100_000
MOST_PACKETS = 2**23
"""Packets of one track: 49 hours of AAC at 48 kHz."""
CODECS = {b"mp4a": "AAC", b"alac": "ALAC", b"Opus": "Opus", b"fLaC": "FLAC", b".mp3": "MP3"}
PROTECTED = {b"drms", b"enca", b"encv", b"drmi", b"p608"}
OUTER = {b"free", b"mdat", b"meta", b"mfra", b"moof", b"moov", b"sidx", b"skip", b"styp", b"udta", b"uuid", b"wide"}
"""Boxes that may end a file; what begins otherwise and does not end within it is no box."""
SLACK = 2 * 2048
"""Samples: two blocks of HE-AAC."""
NEAR_SECONDS = 0.1
"""Two statements of one length that differ by less agree; some count milliseconds, some whole packets."""
HOLE_SECONDS = 0.01
"""Fragments further apart are not neighbours: half a packet of AAC at 48 kHz."""
ORDINARY_RATE = 0x10000
"""Of an edit: as fast as it was recorded."""


@dataclass(frozen=True)
class Box:
    """A box: its name, where its body starts and ends."""

    name: bytes
    start: int
    end: int


class Packets:
    """Packets as FFmpeg finds them, held against the file: within its boxes of sound, each but once, without holes.

    Args:
        found: What the container says.
    """

    def __init__(self, found: Contents) -> None:
        self._found = found
        self._starts = [start for start, _ in found.sounds]
        self._seen: set[int] = set()
        self._next: int | None = None
        self._bytes = 0
        self.duration = 0

    def add(self, place: int, length: int, time: int, duration: int) -> None:
        """One more: its first byte, bytes, and when it begins and how long it is in the track's timescale.

        Raises:
            RejectedError: `damaged`.
        """
        around = bisect_right(self._starts, place) - 1
        if self._starts and (around < 0 or place + length > self._found.sounds[around][1]):
            raise damaged(f"after {self._seconds} its tables point outside its sound")
        if place in self._seen:
            raise damaged(f"after {self._seconds} its tables point to the same sound again")
        if self._next is not None and abs(time - self._next) > HOLE_SECONDS * self._found.rate:
            raise damaged(f"after {self._seconds} of sound a part is missing or out of order")
        self._seen.add(place)
        self._next = time + duration
        self._bytes += length
        self.duration += duration

    def check(self) -> None:
        """Raises RejectedError `truncated` or `damaged` where that was not all that its header or its boxes promise."""
        found, near = self._found, NEAR_SECONDS * self._found.rate
        end = (self._next or 0) + found.skipped - found.pause
        if end + near < found.stated:
            raise cut_short(end, found.stated, found.rate)
        unnamed = sum(end - start for start, end in found.sounds) - self._bytes
        if found.alone and unnamed * self.duration > (near + found.skipped) * self._bytes:
            raise damaged(f"its tables leave out {unnamed} bytes of its sound")

    @property
    def _seconds(self) -> str:
        return f"{self.duration / self._found.rate:.2f} s"


def mp4(file: BinaryIO, total: int) -> Contents:
    """An MP4, M4A or QuickTime file of one sound track that is not protected; pictures beside it do no harm."""
    boxes = list(_boxes(file, total))
    moovs = [_body(file, box) for box in boxes if box.name == b"moov"]
    if not moovs:
        raise truncated("no moov box: the file was never finished, or its end is missing")
    if len(moovs) > 1:
        raise damaged(f"{len(moovs)} moov boxes: expected one")
    moov = moovs[0]
    sound = _sound_track(moov)
    sounds = tuple((box.start, box.end) for box in boxes if box.name == b"mdat")
    if not sounds:
        raise truncated("no mdat box: tables without sound")
    media = _inner(sound, b"mdia")
    head = _inner(media, b"mdhd")
    timescale, stated = _long(head, 12, 20), _long(head, 16, 24, wide=8)
    if timescale == 0:
        raise damaged("a sound track with timescale 0")
    packets, duration = _table_packets(_inner(_inner(media, b"minf"), b"stbl"), sounds)
    fragmented = any(box.name == b"moof" for box in boxes)
    repairs = _check_fragments(file, boxes, total)
    repairs += (JUNK,) if total - boxes[-1].end >= 8 else ()
    if packets == 0 and not fragmented:
        raise RejectedError(rejection.EMPTY, "its sound track has no packets")
    movie = _long(_inner(moov, b"mvhd"), 12, 20)
    pause, skipped, played = _edit(sound, movie)
    found = Contents("m4a", None, timescale, slack=SLACK, trim=True, repairs=repairs, skipped=skipped, sounds=sounds)
    found = replace(found, pause=round(pause * timescale / max(1, movie)))
    if fragmented:
        whole = _long(_inner(_inner(moov, b"mvex"), b"mehd"), 4, 4, wide=8)
        units = ((stated, 1.0), (whole, timescale / max(1, movie)))
        lengths = [length * unit for length, unit in units if length < 2**32 - 1]  # all ones: unknown
        alone = sum(name == b"trak" for name, _ in _children(moov)) == 1
        return replace(found, stated=round(max(lengths, default=0)), alone=alone)
    left = duration - skipped
    wrong = abs(stated - duration) > NEAR_SECONDS * timescale
    if played and movie and abs(left - played * timescale / movie) > 1.5 * timescale / movie:
        wrong |= played * timescale / movie > left
        left = min(left, round(played * timescale / movie))
    return replace(found, frames=max(0, left), repairs=(*repairs, LENGTH) if wrong else repairs)


def _check_fragments(file: BinaryIO, boxes: list[Box], total: int) -> tuple[str, ...]:
    """`LATE` where fragments that do not say their time begin with a later one than the first.

    Raises:
        RejectedError: `truncated` where an index counts more fragments, or more bytes of them, than there are;
            `damaged` where their numbers do not go up evenly.
    """
    moofs = [box for box in boxes if box.name == b"moof"]
    for box in boxes:
        body = _body(file, box) if box.name in (b"mfra", b"sidx") else b""
        if box.name == b"sidx":  # bytes up to the first fragment, then those of each
            at = 20 if body[:1] == b"\0" else 28
            sizes = _table(body[at - 4 :], 3)[:, 0] & 0x7FFF_FFFF
            end = box.end + _long(body, 16, 20, wide=8) + int(sizes.sum())
            if end > total:
                raise cut_short(total, end, 0)
        if box.name == b"mfra":
            for index in (inner for name, inner in _children(body) if name == b"tfra"):
                width = 8 if index[:1] == b"\1" else 4
                step = 2 * width + sum((index[11] >> shift & 3) + 1 for shift in (0, 2, 4)) if len(index) > 11 else 1
                places = {index[at + width : at + 2 * width] for at in range(16, len(index) - step + 1, step)}
                if len(places) > len(moofs):
                    raise truncated(f"cut short: {len(moofs)} of the {len(places)} fragments of its index are there")
    numbers = [number(_inner(_body(file, box), b"mfhd"), 4) for box in moofs]
    step = max(0, min((after - before for before, after in pairwise(numbers)), default=0))
    for before, after in pairwise(numbers):
        if after - before != step:
            raise damaged(f"fragment {after} follows fragment {before}: some are lost, twice there or out of order")
    late = numbers[:1] > [max(1, step)] and not _inner(_inner(_body(file, moofs[0]), b"traf"), b"tfdt")
    return (LATE,) if late else ()


def _sound_track(moov: bytes) -> bytes:
    """The only one.

    Raises:
        RejectedError: `protected`, `no_audio`, `several_streams` or `format`.
    """
    tracks = [body for name, body in _children(moov) if name == b"trak"]
    codecs = [_codec(track) for track in tracks]
    if PROTECTED & set(codecs):
        raise RejectedError(rejection.PROTECTED, "its tracks are encrypted (DRM): expected one that can be decoded")
    sounds = [
        (track, codec)
        for track, codec in zip(tracks, codecs, strict=True)
        if _inner(_inner(track, b"mdia"), b"hdlr")[8:12] == b"soun"
    ]
    if not sounds:
        raise RejectedError(rejection.NO_AUDIO, f"{len(tracks)} tracks, none of them sound")
    if len(sounds) > 1:
        raise RejectedError(rejection.SEVERAL_STREAMS, f"{len(sounds)} sound tracks: expected one")
    track, codec = sounds[0]
    if codec not in CODECS:
        expected = ", ".join(CODECS.values())
        raise unsupported(f"MP4 with sound of type {printable(codec)}: expected {expected}")
    return track


def _codec(track: bytes) -> bytes:
    return _inner(_inner(_inner(_inner(track, b"mdia"), b"minf"), b"stbl"), b"stsd")[12:16]


def _boxes(file: BinaryIO, total: int, *, inner: bool = False) -> Iterator[Box]:
    """Boxes of a file, which a tag or little else may follow, or of the body of a box, which they must fill."""
    position, seen = 0, set[bytes]()
    for _ in range(MOST_BOXES):
        if position + 8 > total:
            return
        file.seek(position)
        head = file.read(16)
        length, skip = number(head, 0), 8
        if length == 1:
            length, skip = number(head, 8, 8), 16
        if length == 0 and not inner:
            length = total - position
        name = printable(head[4:8])
        if inner and (length < skip or position + length > total):
            raise damaged(f"box {name} of {length} bytes within one of {total}")
        ends = length < skip or position + length > total
        if ends and {b"moov", b"mdat"} <= seen and head[4:8] not in OUTER and total - position <= MOST_JUNK:
            return
        if length < skip:
            raise damaged(f"box {name} of {length} bytes: expected at least {skip}")
        if position + length > total:
            part = {"mdat": "sound", "moov": "tables"}.get(name, f"part {name}")
            raise truncated(f"cut short: {total - position} of the {length} bytes of its {part} are there")
        yield Box(head[4:8], position + skip, position + length)
        seen.add(head[4:8])
        position += length
    raise damaged(f"more than {MOST_BOXES} boxes")


def _body(file: BinaryIO, box: Box) -> bytes:
    if box.end - box.start > LARGEST_MOOV:
        raise RejectedError(
            rejection.TOO_LARGE, f"{box.end - box.start} bytes of tables and tags: expected {LARGEST_MOOV} at most"
        )
    file.seek(box.start)
    return file.read(box.end - box.start)


def _children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Boxes within one that is in memory: name and body."""
    return ((box.name, body[box.start : box.end]) for box in _boxes(io.BytesIO(body), len(body), inner=True))


def _inner(body: bytes, name: bytes) -> bytes:
    """The body of the first box of that name within `body`; b"" where there is none."""
    return next((inner for own, inner in _children(body) if own == name), b"")


def _long(body: bytes, at: int, at_of_version_1: int, wide: int = 4) -> int:
    """A number of a box that is kept in 4 bytes, or in `wide` elsewhere by version 1."""
    return number(body, at_of_version_1, wide) if body[:1] == b"\1" else number(body, at)


def _table(body: bytes, columns: int, width: int = 4) -> np.ndarray:
    """Rows of a table that states how many it has, int64 [N, columns].

    Raises:
        RejectedError: `damaged` where they are not all there.
    """
    count, there = number(body, 4), max(0, len(body) - 8) // (columns * width)
    if count > there:
        raise damaged(f"a table that says {count} rows and holds {there}")
    return np.frombuffer(body[8:], f">u{width}", count * columns).astype(np.int64).reshape(-1, columns)


def _table_packets(stbl: bytes, sounds: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Packets that the tables count, and their duration in the track's timescale.

    Raises:
        RejectedError: `damaged` or `truncated` where they contradict each other or the boxes of sound.
    """
    stsz = _inner(stbl, b"stsz")
    each, count = number(stsz, 4), number(stsz, 8)
    there = sum(end - start for start, end in sounds)
    if count > MOST_PACKETS:
        raise damaged(f"{count} packets: expected at most {MOST_PACKETS}")
    lengths = each * count if each else int(_table(stsz[4:], 1).sum())
    if lengths > there:
        raise cut_short(there, lengths, 0)
    runs = _table(_inner(stbl, b"stts"), 2)
    if runs[:, 0].sum() != count:
        raise damaged(f"{count} packets, and durations of {runs[:, 0].sum()}")
    chunks = _table(_inner(stbl, b"stsc"), 3)
    if len(chunks) and chunks[:, 1].max() > MOST_PACKETS:
        raise damaged(f"{chunks[:, 1].max()} packets in a chunk: expected {count} at most")
    return count, int((runs[:, 0] * runs[:, 1]).sum())


def _edit(sound: bytes, movie: int) -> tuple[int, int, int]:
    """How long the edit list waits, in the movie's timescale `movie`; what it skips of the sound, in the sound's; how
    much it plays then, in the movie's; 0 for all that is left.

    Raises:
        RejectedError: `damaged` or `format`.
    """
    elst = _inner(_inner(sound, b"edts"), b"elst")
    wide = 8 if elst[:1] == b"\1" else 4
    count, step = number(elst, 4), 2 * wide + 4
    if count > max(0, len(elst) - 8) // step:
        raise damaged(f"an edit list that says {count} edits and does not hold them")
    plays: list[tuple[int, int]] = []
    pause = 0
    for at in range(8, 8 + count * step, step):
        start = int.from_bytes(elst[at + wide : at + 2 * wide], "big", signed=True)
        if number(elst, at + 2 * wide) != ORDINARY_RATE:
            raise unsupported("an edit that plays at another speed: expected the recorded one")
        if start < -1:
            raise damaged("an edit that plays from before the sound on")
        if start >= 0:
            plays.append((start, number(elst, at, wide)))
        elif plays:
            raise unsupported("a pause between its edits: expected sound without one")
        else:
            pause += number(elst, at, wide)
    if len(plays) > 1:
        parts = " + ".join(f"{played / max(1, movie):.1f} s" for _, played in plays)
        raise unsupported(f"its edit list plays {len(plays)} stretches ({parts}): expected one")
    return (pause, *plays[0]) if plays else (0, 0, 0)
