"""A stretch of bytes in a file, with its CRC-32, that goes into another file by way of the kernel where it can."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_BLOCK = 2**22


@dataclass(frozen=True)
class Piece:
    """`length` bytes of the file at `path` from byte `start`; `crc` is what their CRC-32 should be."""

    path: Path
    start: int
    length: int
    crc: int

    def intact(self) -> bool:
        """Whether they are all there and have that CRC-32."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return crc_of(file, self.length) == self.crc

    def copy_to(self, target: BinaryIO) -> None:
        """Append them to `target`, an unbuffered file at its end.

        Raises:
            OSError: The file is shorter than it should be, or cannot be read or written.
        """
        with self.path.open("rb", buffering=0) as source:
            done = 0
            while done < self.length:
                copied = _copied(source, target, self.start + done, self.length - done)
                if not copied:
                    raise OSError(f"{self.path}: ends at byte {self.start + done}: expected {self.start + self.length}")
                done += copied


def crc_of(file: BinaryIO, length: int) -> int | None:
    """CRC-32 of the next `length` bytes; None where the file ends before."""
    crc = 0
    while length:
        block = file.read(min(length, _BLOCK))
        if not block:
            return None
        crc = zlib.crc32(block, crc)
        length -= len(block)
    return crc


def _copied(source: BinaryIO, target: BinaryIO, start: int, most: int) -> int:
    """Copy up to `most` bytes; how many. In the kernel, where it and the file systems can."""
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source.fileno(), target.fileno(), most, offset_src=start)
        except OSError:
            pass
    block = os.pread(source.fileno(), min(most, _BLOCK), start)
    return target.write(block) if block else 0
