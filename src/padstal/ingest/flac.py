"""FLAC: what its first block says of the audio (RFC 9639); FFmpeg holds frames against their checksums.

It sees that block and the frames alone: pictures it would take into memory, all of them.
"""

from typing import BinaryIO

from padstal.ingest.container_info import STREAMED, Contents, check_form, number
from padstal.ingest.rejection import damaged, truncated

STREAMINFO_BYTES = 34
MOST_BLOCKS = 100_000


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
    start = _after_blocks(file, total)
    return Contents(
        "flac",
        frames=frames or None,
        rate=rate,
        channels=channels,
        md5=head[26:42] if any(head[26:42]) else b"",
        bits=bits,
        repairs=() if frames else (STREAMED,),
        stretch=(start - len(head), total),
        patches=((0, head[:4] + b"\x80" + head[5:]),),
    )


def _after_blocks(file: BinaryIO, total: int) -> int:
    """Where the frames begin."""
    position = 4
    for _ in range(MOST_BLOCKS):
        file.seek(position)
        block = file.read(4)
        position += 4 + number(block, 1, 3)
        if position > total:
            raise truncated("its blocks of metadata do not end within the file")
        if block[0] & 0x80:
            return position
    raise damaged(f"more than {MOST_BLOCKS} blocks of metadata")


def stream_info(block: bytes) -> tuple[int, int, int, int]:
    """Sample rate, channels, bits and samples a channel (0 for unknown) that a STREAMINFO block states."""
    packed = number(block, 10, 8)
    return packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & 2**36 - 1
