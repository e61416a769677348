"""MP4 (ISO 14496-12): boxes, the sound track in them, and whether all that they count is there.

FFmpeg builds its index from these tables before anything can be checked, so absurd ones are turned away here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import Contents
from padstal.ingest.rejection import RejectedError

LARGEST_MOOV = 64 * 2**20
"""Bytes of tables and tags (cover art among them)."""
MOST_BOXES = 100_000
DEEPEST = 8
"""moov, trak, mdia, minf, stbl and their tables, with room."""
MOST_PACKETS = 2**23
"""Packets of one track: 49 hours of AAC at 48 kHz."""
MOST_EDITS = 2
"""An empty one at the start, and the stretch to play."""
CODECS = {b"mp4a": "AAC", b"alac": "ALAC", b"Opus": "Opus", b"fLaC": "FLAC", b".mp3": "MP3"}
PROTECTED = {b"drms", b"enca", b"encv", b"drmi", b"p608"}
SLACK = 2 * 2048
"""Samples: two blocks of HE-AAC."""
_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf"}


@dataclass(frozen=True)
class Box:
    """A box: its name, where its body starts and ends."""

    name: bytes
    start: int
    end: int


@dataclass
class Track:
    """What the tables say of one track.

    Durations count its timescale, `played` the movie's; `skipped` is the codec's delay.
    """

    number: int = 0
    handler: bytes = b""
    codec: bytes = b""
    timescale: int = 0
    duration: int = 0
    skipped: int = 0
    played: int = 0
    packets: int = 0
    fragment_packets: int = 0
    fragment_duration: int = 0
    packet_duration: int = 0


@dataclass
class _Movie:
    tracks: list[Track] = field(default_factory=list)
    fragment: Track | None = None
    boxes: int = 0
    timescale: int = 0
    default_duration: int = 0


def mp4(file: BinaryIO, total: int) -> Contents:
    """An MP4, M4A or QuickTime file of one sound track that is not protected; pictures beside it do no harm."""
    movie = _Movie()
    names = _read(file, 0, total, movie)
    if b"moov" not in names:
        raise RejectedError(rejection.TRUNCATED, "no moov box: the file was never finished, or its end is missing")
    sounds = [track for track in movie.tracks if track.handler == b"soun"]
    if any(track.codec in PROTECTED for track in movie.tracks):
        raise RejectedError(rejection.PROTECTED, "its tracks are encrypted (DRM): expected one that can be decoded")
    if not sounds:
        raise RejectedError(rejection.NO_AUDIO, f"{len(movie.tracks)} tracks, none of them sound")
    if len(sounds) > 1:
        raise RejectedError(rejection.SEVERAL_STREAMS, f"{len(sounds)} sound tracks: expected one")
    sound = sounds[0]
    if sound.codec not in CODECS:
        expected = ", ".join(CODECS.values())
        raise RejectedError(rejection.FORMAT, f"MP4 with sound of type {sound.codec!r}: expected {expected}")
    if sound.packets + sound.fragment_packets == 0:
        raise RejectedError(rejection.EMPTY, "its sound track has no packets")
    if sound.timescale == 0:
        raise RejectedError(rejection.DAMAGED, "a sound track with timescale 0")
    if b"mdat" not in names:
        raise RejectedError(rejection.TRUNCATED, "no mdat box: tables without sound")
    return Contents("m4a", max(0, _audible(sound, movie.timescale)), sound.timescale, slack=SLACK, trim=True)


def _audible(sound: Track, movie_timescale: int) -> int:
    """What is heard of the sound track, in its timescale: its packets, less what the edit list leaves out.

    The list counts in the movie's timescale, often milliseconds; where it means all that is left, the packets count.
    """
    left = sound.duration + sound.fragment_duration - sound.skipped
    if sound.fragment_packets or not sound.played or not movie_timescale:
        return left
    played = sound.played * sound.timescale / movie_timescale
    near = abs(left - played) <= 1.5 * sound.timescale / movie_timescale
    return left if near else min(left, round(played))


def _read(
    file: BinaryIO, start: int, end: int, movie: _Movie, depth: int = 0, track: Track | None = None
) -> set[bytes]:
    """Names of the boxes from `start` to `end`; what they say, and the boxes within them, goes into `movie`."""
    names = set()
    for box in _boxes(file, start, end, movie, top=depth == 0):
        names.add(box.name)
        if box.name == b"moov" and box.end - box.start > LARGEST_MOOV:
            raise RejectedError(
                rejection.TOO_LARGE, f"{box.end - box.start} bytes of tables and tags: expected {LARGEST_MOOV} at most"
            )
        if box.name == b"trak":
            track = Track()
            movie.tracks.append(track)
        if box.name in _PARENTS:
            if depth == DEEPEST:
                raise RejectedError(rejection.DAMAGED, f"boxes within boxes more than {DEEPEST} deep")
            _read(file, box.start, box.end, movie, depth + 1, track)
        else:
            _leaf(file, box, movie, track)
    return names


def _boxes(file: BinaryIO, position: int, end: int, movie: _Movie, top: bool) -> Iterator[Box]:
    while position + 8 <= end:
        movie.boxes += 1
        if movie.boxes > MOST_BOXES:
            raise RejectedError(rejection.DAMAGED, f"more than {MOST_BOXES} boxes")
        file.seek(position)
        head = file.read(16)
        length, name, skip = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1 and len(head) == 16:
            length, skip = int.from_bytes(head[8:16], "big"), 16
        if length == 0 and top:
            length = end - position
        if length < skip:
            raise RejectedError(rejection.DAMAGED, f"box {name!r} of {length} bytes: expected at least {skip}")
        if position + length > end:
            kind = rejection.TRUNCATED if top else rejection.DAMAGED
            raise RejectedError(kind, f"box {name!r} ends at byte {position + length}: expected {end} at most")
        yield Box(name, position + skip, position + length)
        position += length


def _leaf(file: BinaryIO, box: Box, movie: _Movie, track: Track | None) -> None:
    file.seek(box.start)
    body = file.read(min(box.end - box.start, 64))
    match box.name:
        case b"mvhd":
            movie.timescale = _uint(body, 20 if body[:1] == b"\1" else 12)
        case b"tkhd" if track:
            track.number = _uint(body, 20 if body[:1] == b"\1" else 12)
        case b"mdhd" if track:
            long = body[:1] == b"\1"
            track.timescale = _uint(body, 20 if long else 12)
        case b"hdlr" if track:
            track.handler = body[8:12]
        case b"stsd" if track:
            track.codec = body[12:16]
        case b"stsz" if track:
            _packet_lengths(file, box, track, body)
        case b"stts" if track:
            _packet_durations(file, box, track)
        case b"stsc":
            _packet_chunks(file, box, track)
        case b"elst" if track:
            _edits(body, track)
        case b"trex":
            movie.default_duration = _uint(body, 12)
        case b"tfhd":
            _fragment_head(body, movie)
        case b"trun":
            _fragment_run(file, box, movie)


def _uint(body: bytes, at: int, length: int = 4) -> int:
    return int.from_bytes(body[at : at + length], "big")


def _check_count(count: int, what: str) -> None:
    if count > MOST_PACKETS:
        raise RejectedError(rejection.DAMAGED, f"{count} {what}: expected at most {MOST_PACKETS}")


def _packet_lengths(file: BinaryIO, box: Box, track: Track, body: bytes) -> None:
    """stsz: the number of packets, and that they are not longer than the file."""
    each, track.packets = _uint(body, 4), _uint(body, 8)
    _check_count(track.packets, "packets")
    if each == 0 and box.start + 12 + 4 * track.packets > box.end:
        raise RejectedError(rejection.DAMAGED, f"stsz counts {track.packets} packets and does not hold their lengths")
    if each and each * track.packets > file.seek(0, 2):
        raise RejectedError(rejection.TRUNCATED, f"{track.packets} packets of {each} bytes: longer than the file")


def _packet_durations(file: BinaryIO, box: Box, track: Track) -> None:
    """stts: the packets that its runs count, and how long they are together."""
    file.seek(box.start + 4)
    entries = min(_uint(file.read(4), 0), (box.end - box.start) // 8)
    table = file.read(8 * entries)
    runs = [(_uint(table, 8 * entry), _uint(table, 8 * entry + 4)) for entry in range(entries)]
    _check_count(sum(count for count, _ in runs), "packets with durations")
    track.duration = sum(count * duration for count, duration in runs)


def _packet_chunks(file: BinaryIO, box: Box, track: Track | None) -> None:
    """stsc: packets of a chunk."""
    file.seek(box.start + 4)
    entries = min(_uint(file.read(4), 0), (box.end - box.start) // 12)
    table = file.read(12 * entries)
    _check_count(max((_uint(table, 12 * entry + 4) for entry in range(entries)), default=0), "packets in a chunk")


def _edits(body: bytes, track: Track) -> None:
    """elst: what is skipped at the start, and how much is played then."""
    count, entry = _uint(body, 4), 20 if body[:1] == b"\1" else 12
    if count > MOST_EDITS:
        raise RejectedError(rejection.DAMAGED, f"{count} edits: expected at most {MOST_EDITS}")
    half = (entry - 4) // 2
    for index in range(count):
        at = 8 + index * entry
        start = int.from_bytes(body[at + half : at + 2 * half], "big", signed=True)
        if start >= 0:  # −1 is a pause
            track.skipped, track.played = start, _uint(body, at, half)


def _fragment_head(body: bytes, movie: _Movie) -> None:
    """tfhd: the track of the runs that follow, and how long a packet is where they do not say."""
    flags, number = _uint(body, 1, 3), _uint(body, 4)
    movie.fragment = next((track for track in movie.tracks if track.number == number), None)
    at = 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    if movie.fragment:
        movie.fragment.packet_duration = _uint(body, at) if flags & 8 else movie.default_duration


def _fragment_run(file: BinaryIO, box: Box, movie: _Movie) -> None:
    """trun: packets of a fragment, and their durations."""
    track = movie.fragment
    file.seek(box.start)
    head = file.read(8)
    flags, count = _uint(head, 1, 3), _uint(head, 4)
    _check_count(count + (track.fragment_packets if track else 0), "packets in fragments")
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    first = box.start + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    if first + 4 * len(fields) * count > box.end:
        raise RejectedError(rejection.DAMAGED, f"trun counts {count} packets and does not hold them")
    if track is None:
        return
    track.fragment_packets += count
    if flags & 0x100:
        file.seek(first)
        table = file.read(4 * len(fields) * count)
        track.fragment_duration += sum(_uint(table, 4 * len(fields) * index) for index in range(count))
    else:
        track.fragment_duration += count * track.packet_duration
