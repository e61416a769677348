"""WAV (RIFF, RF64, Wave64) and AIFF: chunks, and whether they are all there.

libsndfile decodes a cut file without an error; here the chunks' own lengths are held against the file's.
Sources: Microsoft's RIFF specification, EBU Tech 3306 (RF64), Sony's Wave64, Apple's AIFF 1.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from padstal.ingest import rejection
from padstal.ingest.container_info import STREAMED, Contents, check_form
from padstal.ingest.rejection import RejectedError

STREAMED_LENGTHS = range(0x7FFF_F000, 0x1_0000_0000)
"""Data lengths that programs write which cannot go back to the header, when the file itself is shorter."""
MOST_CHUNKS = 10_000
PCM, FLOAT = 1, 3
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_HEAD = 40


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    length: int


def wav(file: BinaryIO, total: int) -> Contents:
    """A RIFF or RF64 file that begins at 0 and ends at `total`."""
    data_of_rf64 = None
    form_seen = False
    for chunk in _chunks(file, total, 12, "little"):
        file.seek(chunk.start)
        match chunk.name:
            case b"ds64":
                data_of_rf64 = int.from_bytes(file.read(24)[8:16], "little")
            case b"fmt ":
                form_seen = True
                _form(file.read(min(chunk.length, 40)))
            case b"data":
                if not form_seen:
                    raise RejectedError(rejection.DAMAGED, "data before its format: expected a chunk 'fmt ' first")
                length = chunk.length if data_of_rf64 is None else data_of_rf64
                return _data(file, chunk.start, length, total)
    raise RejectedError(rejection.TRUNCATED, "no data chunk")


def wave64(file: BinaryIO, total: int) -> Contents:
    """A Wave64 file: as RIFF, with names of 16 bytes and lengths of 64 bits that count their own head."""
    position = W64_HEAD
    for _ in range(MOST_CHUNKS):
        if position + 24 > total:
            break
        file.seek(position)
        head = file.read(24)
        length = int.from_bytes(head[16:24], "little")
        if head[:4] == b"fmt ":
            _form(file.read(min(length, 40)))
        if head[:4] == b"data":
            return _data(file, position + 24, length - 24, total)
        if length < 24:
            raise RejectedError(rejection.DAMAGED, f"a chunk of {length} bytes: expected at least its head of 24")
        position += (length + 7) // 8 * 8
    raise RejectedError(rejection.TRUNCATED, "no data chunk")


def aiff(file: BinaryIO, total: int) -> Contents:
    """An AIFF or AIFF-C file."""
    file.seek(4)
    end = 8 + int.from_bytes(file.read(4), "big")
    if end > total:
        raise RejectedError(rejection.TRUNCATED, f"FORM says {end} bytes, the file has {total}")
    names = set()
    for chunk in _chunks(file, total, 12, "big"):
        if chunk.name in (b"COMM", b"SSND"):
            if chunk.start + chunk.length > total:
                raise RejectedError(
                    rejection.TRUNCATED, f"{chunk.name.decode()} ends at {chunk.start + chunk.length} of {total} bytes"
                )
            if chunk.name in names:
                raise RejectedError(rejection.SEVERAL_STREAMS, f"two chunks {chunk.name.decode()}: expected one")
            names.add(chunk.name)
    if names != {b"COMM", b"SSND"}:
        raise RejectedError(rejection.TRUNCATED, "no COMM or no SSND chunk: expected both")
    return Contents("aiff")


def _chunks(file: BinaryIO, total: int, position: int, order: str) -> Iterator[_Chunk]:
    for _ in range(MOST_CHUNKS):
        if position + 8 > total:
            return
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little" if order == "little" else "big")
        yield _Chunk(head[:4], position + 8, length)
        position += 8 + length + length % 2
    raise RejectedError(rejection.DAMAGED, f"more than {MOST_CHUNKS} chunks")


def _form(form: bytes) -> None:
    """Raises RejectedError where the format chunk makes no sense; what libsndfile cannot decode it says itself."""
    if len(form) < 16:
        raise RejectedError(rejection.DAMAGED, f"a format chunk of {len(form)} bytes: expected at least 16")
    tag, channels = int.from_bytes(form[:2], "little"), int.from_bytes(form[2:4], "little")
    rate, block = int.from_bytes(form[4:8], "little"), int.from_bytes(form[12:14], "little")
    bits = int.from_bytes(form[14:16], "little")
    check_form(rate, channels)
    if tag in (PCM, FLOAT) and (bits not in (8, 16, 24, 32, 64) or block != channels * bits // 8):
        raise RejectedError(
            rejection.DAMAGED,
            f"{bits} bits in {channels} channels and a block of {block} bytes: expected 8 to 64 bits that fill it",
        )


def _data(file: BinaryIO, start: int, length: int, total: int) -> Contents:
    file.seek(start)
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        raise RejectedError(rejection.FORMAT, "the data of this WAV is a WAV of its own: expected samples")
    if start + length <= total:
        if length == 0 and total - start > 8:
            raise RejectedError(
                rejection.TRUNCATED, f"data says 0 bytes and {total - start} follow: the header was never finished"
            )
        return Contents("wav")
    if length in STREAMED_LENGTHS:
        return Contents("wav", repairs=(STREAMED,))
    raise RejectedError(rejection.TRUNCATED, f"data says {start + length} bytes, the file has {total}")
