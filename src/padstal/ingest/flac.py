"""FLAC: its first block says how long the audio is and what the MD5 of its samples is (RFC 9639)."""

from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import STREAMED, Contents, check_form
from padstal.ingest.rejection import RejectedError

STREAMINFO_BYTES = 34


def flac(file: BinaryIO, start: int) -> Contents:
    """A native FLAC stream that begins at byte `start` (after tags)."""
    file.seek(start)
    head = file.read(8 + STREAMINFO_BYTES)
    if len(head) < 8 + STREAMINFO_BYTES:
        raise RejectedError(rejection.TRUNCATED, f"{len(head)} bytes: expected a STREAMINFO block")
    if head[4] & 0x7F != 0 or int.from_bytes(head[5:8], "big") != STREAMINFO_BYTES:
        raise RejectedError(rejection.DAMAGED, "does not begin with a STREAMINFO block")
    packed = int.from_bytes(head[18:26], "big")
    rate, channels, bits, frames = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & 2**36 - 1
    check_form(rate, channels)
    if frames == 0:
        return Contents("flac", rate=rate, repairs=(STREAMED,))
    md5 = head[26:42]
    return Contents("flac", frames=frames, rate=rate, md5=md5 if any(md5) else b"", bits=bits)
