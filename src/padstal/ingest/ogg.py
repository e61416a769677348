"""Ogg: pages, their checksums and order, and the one stream in them (RFC 3533; Vorbis I; RFC 7845 for Opus).

Decoders skip a page that is damaged and go on; here it is found.
"""

import zlib
from dataclasses import dataclass
from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import JUNK, Contents, check_form
from padstal.ingest.rejection import RejectedError

BEGIN, END = 2, 4
NO_GRANULE = 2**64 - 1
LONGEST_BLOCK = 8192
"""Samples of Vorbis's longest block; Opus's and FLAC's are shorter or exact."""
MOST_JUNK = 65_536
"""Bytes after the last page."""
OPUS_RATE = 48_000
FOREIGN = {
    b"Speex   ": "Speex",
    b"\x80theora": "Theora video",
    b"fishead\0": "an Ogg skeleton with several streams",
    b"BBCD": "Dirac video",
    b"\x80kate": "Kate subtitles",
}
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        flags: `BEGIN` and `END` of a stream among them.
        granule: Sample position at its end.
        serial, sequence: Of its stream, and its number there.
        body: Its packets' bytes.
    """

    flags: int
    granule: int
    serial: int
    sequence: int
    body: bytes


def checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04C11DB7, start 0, not reflected: zlib's on reversed bits."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{reflected:032b}"[::-1], 2)


def ogg(file: BinaryIO, total: int) -> Contents:
    """An Ogg file of one Vorbis, Opus or FLAC stream."""
    file.seek(0)
    first = _page(file, 0, total)
    rate, skip, slack = _codec(first)
    serial, sequence, ended, granule = first.serial, first.sequence, bool(first.flags & END), 0
    end: int = total
    repairs: tuple[str, ...] = ()
    while (position := file.tell()) < total:
        if ended and _foreign_tail(file, position, total):
            end, repairs = position, (JUNK,)
            break
        page = _page(file, position, total)
        if page.flags & BEGIN or page.serial != serial:
            raise RejectedError(rejection.SEVERAL_STREAMS, f"another stream begins at byte {position}: expected one")
        if page.sequence != sequence + 1:
            raise RejectedError(
                rejection.DAMAGED, f"page {page.sequence} follows page {sequence}: pages are lost or out of order"
            )
        if ended:
            raise RejectedError(rejection.DAMAGED, f"page {page.sequence} comes after the end of the stream")
        sequence, ended = page.sequence, bool(page.flags & END)
        if page.granule != NO_GRANULE:
            if page.granule < granule:
                raise RejectedError(rejection.DAMAGED, f"page {sequence} goes back in time")
            granule = page.granule
    if not ended:
        raise RejectedError(rejection.TRUNCATED, "the last page does not end the stream")
    return Contents("ogg", granule - skip, rate, slack=slack, stretch=(0, end), repairs=repairs)


def _page(file: BinaryIO, position: int, total: int) -> Page:
    head = file.read(27)
    if len(head) == 27 and head[:4] != b"OggS":
        raise RejectedError(rejection.DAMAGED, f"byte {position}: expected an Ogg page")
    table = file.read(head[26]) if len(head) == 27 else b""
    body = file.read(sum(table))
    if len(head) < 27 or len(table) < head[26] or len(body) < sum(table):
        raise RejectedError(rejection.TRUNCATED, f"the page at byte {position} is cut: the file has {total} bytes")
    if checksum(head[:22] + bytes(4) + head[26:] + table + body) != int.from_bytes(head[22:26], "little"):
        raise RejectedError(rejection.DAMAGED, f"the page at byte {position} does not have its checksum")
    return Page(
        flags=head[5],
        granule=int.from_bytes(head[6:14], "little"),
        serial=int.from_bytes(head[14:18], "little"),
        sequence=int.from_bytes(head[18:22], "little"),
        body=body,
    )


def _foreign_tail(file: BinaryIO, position: int, total: int) -> bool:
    """Whether what is left is no page and little (a tag); reads on only where it is."""
    head = file.read(4)
    file.seek(position)
    return head != b"OggS" and total - position <= MOST_JUNK


def _codec(page: Page) -> tuple[int, int, int]:
    """Sample rate of granules, samples to skip and slack of the stream that `page` begins."""
    body = page.body
    if not page.flags & BEGIN:
        raise RejectedError(rejection.DAMAGED, "the first page does not begin a stream")
    if body[:7] == b"\x01vorbis" and len(body) >= 30:
        rate = int.from_bytes(body[12:16], "little")
        check_form(rate, body[11])
        return rate, 0, LONGEST_BLOCK
    if body[:8] == b"OpusHead" and len(body) >= 19:
        _opus_channels(body)
        return OPUS_RATE, int.from_bytes(body[10:12], "little"), 0
    if body[:5] == b"\x7fFLAC" and len(body) >= 51:
        packed = int.from_bytes(body[27:31], "big")
        check_form(packed >> 12, (packed >> 9 & 7) + 1)
        return packed >> 12, 0, 0
    for head, name in FOREIGN.items():
        if body.startswith(head):
            raise RejectedError(rejection.FORMAT, f"{name} in Ogg: expected Vorbis, Opus or FLAC")
    raise RejectedError(rejection.FORMAT, f"Ogg of {body[:8]!r}: expected Vorbis, Opus or FLAC")


def _opus_channels(head: bytes) -> None:
    """The channels of an Opus header, and that each maps to a decoded one (RFC 7845, 5.1.1)."""
    channels, family = head[9], head[18]
    check_form(OPUS_RATE, channels)
    if family == 0:
        return
    streams, coupled, mapping = (*head[19:21], head[21 : 21 + channels]) if len(head) >= 21 + channels else (0, 0, b"")
    if streams == 0 or coupled > streams or any(index != 255 and index >= streams + coupled for index in mapping):
        raise RejectedError(
            rejection.DAMAGED, f"{channels} channels of {streams} streams, {coupled} coupled: the channel map is wrong"
        )
