"""FLAC: what its first block says of the audio, and whether its frames say the same (RFC 9639)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import BinaryIO

from padstal.ingest.container_info import STREAMED, Contents, check_form, number
from padstal.ingest.rejection import damaged, truncated

STREAMINFO_BYTES = 34
MOST_BLOCKS = 65_536
"""Of metadata."""
LONGEST_HEADER = 16
"""Bytes of a frame's."""
SEARCHED_AT_ONCE = 2**20
"""Bytes."""
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
_SAMPLES = (0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768)
_BITS = (0, 8, 12, 0, 16, 20, 24, 32)
_SYNC = re.compile(rb"\xff[\xf8\xf9]")


@dataclass(frozen=True)
class Frame:
    """A frame's header; 0 where it leaves a thing to the first block.

    Attributes:
        rate: Hz.
        channels, bits: Of its samples.
        samples: A channel.
        number: Of the frame, or of its first sample where frames differ in length.
        by_samples: Which of both.
    """

    rate: int
    channels: int
    bits: int
    samples: int
    number: int
    by_samples: bool


def flac(file: BinaryIO, total: int) -> Contents:
    """A native FLAC stream that begins at byte 0."""
    file.seek(0)
    head = file.read(8 + STREAMINFO_BYTES)
    if len(head) < 8 + STREAMINFO_BYTES:
        raise truncated(f"{len(head)} bytes: expected a STREAMINFO block")
    if head[4] & 0x7F != 0 or number(head, 5, 3) != STREAMINFO_BYTES:
        raise damaged("does not begin with a STREAMINFO block")
    rate, channels, bits, frames = stream_info(head[8:])
    check_form(rate, channels)
    md5 = head[26:42] if any(head[26:42]) else b""
    start = _first_frame(file, total)
    file.seek(start)
    first = frame_header(file.read(LONGEST_HEADER))
    if first:
        _check(first, rate, channels, bits)
    if not md5:
        _check_order(file, start, rate, channels, bits)
    return Contents("flac", frames=frames or None, rate=rate, md5=md5, bits=bits, repairs=() if frames else (STREAMED,))


def stream_info(block: bytes) -> tuple[int, int, int, int]:
    """Sample rate, channels, bits and samples a channel (0 for unknown) that a STREAMINFO block states."""
    packed = number(block, 10, 8)
    return packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & 2**36 - 1


def _first_frame(file: BinaryIO, total: int) -> int:
    """Where the blocks of metadata end.

    Raises:
        RejectedError: `truncated` or `damaged`.
    """
    position = 4
    for _ in range(MOST_BLOCKS):
        file.seek(position)
        head = file.read(4)
        position += 4 + int.from_bytes(head[1:], "big")
        if position > total or len(head) < 4:
            raise truncated("it ends within its tags: no sound")
        if head[0] & 0x80:
            return position
    raise damaged(f"more than {MOST_BLOCKS} blocks of metadata")


def frame_header(head: bytes) -> Frame | None:
    """The frame that begins with `head`; None where its header does not have its checksum."""
    if len(head) < LONGEST_HEADER or not _SYNC.match(head):
        return None
    length, rate, channels, bits = head[2] >> 4, head[2] & 15, head[3] >> 4, head[3] >> 1 & 7
    ones = f"{head[4]:08b}".index("0") if head[4] != 0xFF else 8
    if length == 0 or rate == 15 or channels > 10 or head[3] & 1 or ones in (1, 8):
        return None
    number = head[4] & 0x7F >> ones
    for byte in head[5 : 4 + max(1, ones)]:
        number = number << 6 | byte & 0x3F
    at = 4 + max(1, ones)
    if length in (6, 7):
        samples = int.from_bytes(head[at : at + length - 5], "big") + 1
        at += length - 5
    else:
        samples = _SAMPLES[length]
    if rate < 12:
        hertz = _RATES[rate]
    else:
        wide = 1 if rate == 12 else 2
        hertz = int.from_bytes(head[at : at + wide], "big") * {12: 1000, 13: 1, 14: 10}[rate]
        at += wide
    if reduce(_crc8, head[:at], 0) != head[at]:
        return None
    return Frame(hertz, 2 if channels > 7 else channels + 1, _BITS[bits], samples, number, bool(head[1] & 1))


def _crc8(crc: int, byte: int) -> int:
    """CRC-8 of polynomial 0x07."""
    crc ^= byte
    for _ in range(8):
        crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc


def _check(frame: Frame, rate: int, channels: int, bits: int) -> None:
    """Raises RejectedError `damaged` where a frame's header is not of the stream that the first block describes."""
    if frame.rate not in (0, rate) or frame.channels != channels or frame.bits not in (0, bits):
        raise damaged(
            f"its header says {rate} Hz, {channels} channels, {bits} bits; its sound says {frame.rate or rate} Hz, "
            f"{frame.channels} channels, {frame.bits or bits} bits"
        )


def _check_order(file: BinaryIO, start: int, rate: int, channels: int, bits: int) -> None:
    """Where no MD5 guards the samples: that frames are of one stream and in a row.

    Raises:
        RejectedError: `damaged`.
    """
    expected, samples = None, 0
    for frame in _frames(file, start):
        place = frame.number if frame.by_samples else frame.number * samples
        if expected is None:
            samples, expected = frame.samples, frame.number * (1 if frame.by_samples else frame.samples)
        elif place == expected:
            _check(frame, rate, channels, bits)
        elif frame.samples == samples and frame.channels == channels and frame.rate in (0, rate):
            raise damaged(f"the sound of {place / rate:.2f} s follows that of {expected / rate:.2f} s")
        else:
            continue  # bytes that look like a header by chance
        expected += frame.samples


def _frames(file: BinaryIO, start: int) -> Iterator[Frame]:
    """All headers from byte `start` on whose checksum is right."""
    file.seek(start)
    content = b""
    while block := file.read(SEARCHED_AT_ONCE):
        content = content[-LONGEST_HEADER + 1 :] + block
        for match in _SYNC.finditer(content):
            frame = frame_header(content[match.start() : match.start() + LONGEST_HEADER])
            if frame:
                yield frame
