"""The samples of one track's clips in a file, that go into another file by way of the kernel where it can.

They need no checksum: a clip's id is the digest of its samples (`storage.content.clip_address`).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from padstal.storage.content import ADDRESS_DIGITS, clip_address

_BLOCK = 2**22


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
    """Clips, int16 of `shape` [clips, samples, channels], in the file at `path` from byte `start`."""

    path: Path
    start: int
    shape: tuple[int, int, int]

    @property
    def length(self) -> int:
        return 2 * int(np.prod(self.shape))

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


def _copied(source: BinaryIO, target: BinaryIO, start: int, most: int) -> int:
    """Copy up to `most` bytes; how many. In the kernel, where it and the file systems can."""
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source.fileno(), target.fileno(), most, offset_src=start)
        except OSError:
            pass
    block = os.pread(source.fileno(), min(most, _BLOCK), start)
    return target.write(block) if block else 0
