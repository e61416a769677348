"""The samples of one track's clips in a file, that go into another file out of mapped memory: half the time of reading.

They need no checksum: a clip's id is the digest of its samples (`storage.content.clip_address`).
"""

import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from padstal.storage.content import ADDRESS_DIGITS, clip_address

_WINDOW = 2**24
"""Bytes that are mapped at a time."""
_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)


@dataclass(frozen=True)
class Name:
    """A clip's id, and what it is made of besides samples: its track, and where it starts there."""

    clip_id: str
    sha256: str
    offset_samples: int

    def fits(self, pcm_SC: np.ndarray) -> bool:
        """Whether it is the name of these samples, int16 [S, C]."""
        return clip_address(pcm_SC, self.sha256[:ADDRESS_DIGITS], self.offset_samples) == self.clip_id


@dataclass(frozen=True)
class Piece:
    """Clips, int16 of `shape` [clips, samples, channels], in the file at `path` from byte `start`, maybe a spool."""

    path: Path
    start: int
    shape: tuple[int, int, int]
    spooled: bool = False

    @property
    def length(self) -> int:
        return 2 * int(np.prod(self.shape))

    @property
    def end(self) -> int:
        return self.start + self.length

    def copy_to(self, target: BinaryIO) -> None:
        """Append them to `target`, an unbuffered file at its end.

        Raises:
            OSError: The file is shorter than it should be, or cannot be read or written.
        """
        end = self.end
        with self.path.open("rb") as source:
            found = os.fstat(source.fileno()).st_size
            if found < end:
                raise OSError(f"{self.path}: ends at byte {found}: expected {end} or more")
            first = self.start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
            for at in range(first, end, _WINDOW):
                stop = min(at + _WINDOW, end)
                with (
                    mmap.mmap(source.fileno(), stop - at, flags=_FLAGS, prot=mmap.PROT_READ, offset=at) as mapped,
                    memoryview(mapped) as content,
                    content[max(self.start - at, 0) :] as wanted,
                ):
                    written = 0
                    while written < len(wanted):
                        written += target.write(wanted[written:])


def intact(path: Path, start: int, shape: tuple[int, int, int], names: Iterable[Name]) -> bool:
    """Whether the clips in a file, int16 of `shape` from byte `start`, are those with these names."""
    clip_bytes = 2 * shape[1] * shape[2]
    with path.open("rb") as file:
        file.seek(start)
        for name in names:
            content = file.read(clip_bytes)
            if len(content) < clip_bytes or not name.fits(np.frombuffer(content, "<i2").reshape(shape[1:])):
                return False
    return True
