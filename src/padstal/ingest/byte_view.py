"""A stretch of a file as a file of its own, in which some bytes read otherwise."""

import os
from dataclasses import dataclass
from typing import BinaryIO


@dataclass
class ByteView:
    """The bytes from `start` to `end` of `file`.

    Attributes:
        file: Can be sought in.
        start, end: First byte, and that behind the last.
        patches: What is read at some places, counted from `start`, instead of what is there.
    """

    file: BinaryIO
    start: int
    end: int
    patches: tuple[tuple[int, bytes], ...] = ()

    def read(self, count: int = -1) -> bytes:
        """As of a file."""
        at, left = self.tell(), max(0, self.end - self.file.tell())
        content = self.file.read(left if count < 0 else min(count, left))
        if not any(place < at + len(content) and at < place + len(patch) for place, patch in self.patches):
            return content
        changed = bytearray(content)
        for place, patch in self.patches:
            for offset, byte in enumerate(patch, place - at):
                if 0 <= offset < len(changed):
                    changed[offset] = byte
        return bytes(changed)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        base = {os.SEEK_SET: self.start, os.SEEK_CUR: self.file.tell(), os.SEEK_END: self.end}[whence]
        return self.file.seek(max(self.start, base + offset)) - self.start

    def tell(self) -> int:
        """As of a file."""
        return self.file.tell() - self.start
