"""Ogg: pages, their checksums and order, and the one stream in them (RFC 3533; Vorbis I; RFC 7845 for Opus).

Decoders skip a page that is damaged and go on; here it is found.
"""

import zlib
from dataclasses import dataclass
from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import JUNK, LENGTH, MOST_JUNK, UNENDED, Contents, check_form, cut_short, number
from padstal.ingest.flac import stream_info
from padstal.ingest.mpeg import after_tags
from padstal.ingest.rejection import RejectedError, damaged, truncated, unsupported

BEGIN, END = 2, 4
NO_GRANULE = 2**64 - 1
LONGEST_BLOCK = 8192
"""Samples of Vorbis's longest block; Opus's and FLAC's are shorter."""
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
        whole: Whether its last packet ends on it.
    """

    flags: int
    granule: int
    serial: int
    sequence: int
    body: bytes
    whole: bool


def checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04C11DB7, start 0, not reflected: zlib's on reversed bits."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{reflected:032b}"[::-1], 2)


def ogg(file: BinaryIO, total: int) -> Contents:
    """An Ogg file of one Vorbis, Opus or FLAC stream."""
    file.seek(0)
    first = _page(file)
    codec = _codec(first)
    serial, sequence, ended, granule = first.serial, first.sequence, bool(first.flags & END), 0
    end, whole = total, first.whole
    repairs: tuple[str, ...] = ()
    while (position := file.tell()) < total:
        if _foreign_tail(file, position, total, ended):
            end, repairs = position, (JUNK,)
            break
        page = _page(file, f"after {max(0, granule - codec.skip) / codec.rate:.2f} s")
        if page.flags & BEGIN or page.serial != serial:
            raise RejectedError(
                rejection.SEVERAL_STREAMS, f"another stream begins after {granule / codec.rate:.2f} s: expected one"
            )
        if page.sequence != sequence + 1:
            raise damaged(f"page {page.sequence} follows page {sequence}: pages are lost or out of order")
        if ended:
            raise damaged(f"page {page.sequence} comes after the end of the stream")
        sequence, ended, whole = page.sequence, bool(page.flags & END), page.whole
        if page.granule != NO_GRANULE:
            if page.granule < granule:
                raise damaged(f"page {sequence} goes back in time")
            granule = page.granule
    samples = granule - codec.skip
    if codec.frames and codec.frames > samples:
        raise cut_short(samples, codec.frames, codec.rate)
    if codec.frames and codec.frames < samples:
        repairs += (LENGTH,)
    unended = not ended and not codec.frames
    if not ended and (not whole or (unended and codec.exact)):
        raise no_end(samples, codec.rate)
    return Contents(
        "ogg",
        samples,
        codec.rate,
        slack=LONGEST_BLOCK if unended else codec.slack,
        trim=unended,
        stretch=(0, end),
        repairs=repairs if ended else (*repairs, UNENDED),
        md5=codec.md5,
        bits=codec.bits,
        unended=unended,
    )


def no_end(samples: int, rate: int) -> RejectedError:
    """Of a stream without an end flag, of which nothing tells that it is not cut between two pages."""
    seconds = samples / rate
    return truncated(f"after {seconds:.2f} s the last page does not end the stream")


def _page(file: BinaryIO, where: str = "at its start") -> Page:
    """The page that begins where `file` stands; `where` tells that place to people."""
    head = file.read(27)
    if len(head) == 27 and head[:4] != b"OggS":
        raise damaged(f"{where} come bytes that are no Ogg page")
    table = file.read(head[26]) if len(head) == 27 else b""
    body = file.read(sum(table))
    if len(head) < 27 or len(table) < head[26] or len(body) < sum(table):
        raise truncated(f"cut short {where}: a page is not all there")
    if checksum(head[:22] + bytes(4) + head[26:] + table + body) != number(head, 22, 4, "little"):
        raise damaged(f"damaged {where}: a page does not have its checksum")
    return Page(
        flags=head[5],
        granule=number(head, 6, 8, "little"),
        serial=number(head, 14, 4, "little"),
        sequence=number(head, 18, 4, "little"),
        body=body,
        whole=table[-1:] != b"\xff",
    )


def _foreign_tail(file: BinaryIO, position: int, total: int, ended: bool) -> bool:
    """Whether what is left is no page: little, or tags where the stream has not `ended`; reads on only where it is."""
    foreign = file.read(4) != b"OggS"
    foreign = foreign and (total - position <= MOST_JUNK if ended else after_tags(file, position, total) == total)
    file.seek(position)
    return foreign


@dataclass(frozen=True)
class _Codec:
    """What the first page says of a stream.

    Attributes:
        rate: Hz that granules count.
        skip, slack: Samples to skip, and that a decoder may give more or less.
        exact: Whether its last page is told by nothing but the end flag.
        frames, md5, bits: As `Contents` has them, of FLAC.
    """

    rate: int
    skip: int = 0
    slack: int = 0
    exact: bool = False
    frames: int = 0
    md5: bytes = b""
    bits: int = 0


def _codec(page: Page) -> _Codec:
    body = page.body
    if not page.flags & BEGIN:
        raise damaged("the first page does not begin a stream")
    if body[:7] == b"\x01vorbis" and len(body) >= 30:
        rate = number(body, 12, 4, "little")
        check_form(rate, body[11])
        return _Codec(rate, slack=1 << (body[28] >> 4))
    if body[:8] == b"OpusHead" and len(body) >= 19:
        _opus_channels(body)
        return _Codec(OPUS_RATE, skip=number(body, 10, 2, "little"))
    if body[:5] == b"\x7fFLAC" and len(body) >= 51:
        rate, channels, bits, frames = stream_info(body[17:51])
        check_form(rate, channels)
        return _Codec(rate, exact=True, frames=frames, md5=body[35:51] if any(body[35:51]) else b"", bits=bits)
    for head, name in FOREIGN.items():
        if body.startswith(head):
            raise unsupported(f"{name} in Ogg: expected Vorbis, Opus or FLAC")
    raise unsupported("Ogg of a kind that is not known: expected Vorbis, Opus or FLAC")


def _opus_channels(head: bytes) -> None:
    """The channels of an Opus header, and that each maps to a decoded one (RFC 7845, 5.1.1)."""
    channels, family = head[9], head[18]
    check_form(OPUS_RATE, channels)
    if family == 0:
        return
    streams, coupled, mapping = (*head[19:21], head[21 : 21 + channels]) if len(head) >= 21 + channels else (0, 0, b"")
    if streams == 0 or coupled > streams or any(index != 255 and index >= streams + coupled for index in mapping):
        raise damaged(f"{channels} channels of {streams} streams, {coupled} coupled: the channel map is wrong")
