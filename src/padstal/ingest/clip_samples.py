"""The samples of one track's clips in a file, that go into another file; what is not known to be whole is held against
its names on the way.

They need no checksum: a clip's id is the digest of its samples (`content.address_of_clip`).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from itertools import count
from pathlib import Path

import numpy as np

from padstal.core.data.content import ADDRESS_DIGITS, address_of_clip
from padstal.ingest.uncached import read_at, write_at

_BLOCK = 2**21
"""Bytes that are read at a time."""


class DamagedError(Exception):
    """Samples in the store that are not what was stored; `sha256` is their track's."""

    def __init__(self, sha256: str):
        super().__init__(sha256)
        self.sha256 = sha256


@dataclass(frozen=True)
class ClipName:
    """A clip's id, and what it is made of besides samples: its track, and where it starts there."""

    clip_id: str
    sha256: str
    offset_samples: int

    def fits(self, blocks: Iterable[memoryview], shape: tuple[int, ...]) -> bool:
        """Whether it is the name of samples int16 of `shape` [S, C], whose bytes come in blocks."""
        found = address_of_clip(blocks, shape, self.sha256[:ADDRESS_DIGITS], self.offset_samples)
        return found == self.clip_id


@dataclass(frozen=True)
class ClipSamples:
    """Clips of one track.

    Attributes:
        sha256: Of the track's file.
        path, start: The file that has them, and the byte where they begin.
        shape: Clips, samples, channels; int16.
        names: Of the clips, where it is not known that they are whole.
        in_bucket_file: Whether the file is a bucket file.
    """

    sha256: str
    path: Path
    start: int
    shape: tuple[int, int, int]
    names: tuple[ClipName, ...] = ()
    in_bucket_file: bool = False

    @property
    def length(self) -> int:
        return 2 * int(np.prod(self.shape))

    @property
    def end(self) -> int:
        return self.start + self.length

    def check(self) -> None:
        """Raises DamagedError where the samples do not have the names."""
        if self.names and not intact(self.path, self.start, self.shape, self.names):
            raise DamagedError(self.sha256)

    def copy_to(self, target: int, at: int) -> None:
        """Write them to the file with descriptor `target`, from byte `at`.

        Raises:
            DamagedError: They are not there, or do not have the names; `target` may have them all the same.
            OSError: They cannot be read, or `target` not be written.
        """
        clip_bytes = 2 * self.shape[1] * self.shape[2]
        try:
            with self.path.open("rb", buffering=0) as source:
                for clip in range(self.shape[0]):
                    read = _blocks(source, self.start + clip * clip_bytes, clip_bytes)
                    blocks = _written(read, target, at + clip * clip_bytes)
                    if not self.names:
                        deque(blocks, maxlen=0)
                    elif not self.names[clip].fits(blocks, self.shape[1:]):
                        raise DamagedError(self.sha256)
        except (EOFError, FileNotFoundError):
            raise DamagedError(self.sha256) from None


def intact(path: Path, start: int, shape: tuple[int, int, int], names: Iterable[ClipName]) -> bool:
    """Whether the clips in a file, int16 of `shape` from byte `start`, are those with these names."""
    clip_bytes = 2 * shape[1] * shape[2]
    with path.open("rb", buffering=0) as file, suppress(EOFError):
        reads = (_blocks(file, at, clip_bytes) for at in count(start, clip_bytes))
        return all(name.fits(blocks, shape[1:]) for name, blocks in zip(names, reads, strict=False))
    return False


def _blocks(file: FileIO, at: int, length: int) -> Iterator[memoryview]:
    """`length` bytes from byte `at`, in blocks that lie in one place, one after the other; EOFError where they end
    before."""
    room = memoryview(bytearray(min(_BLOCK, length)))
    while length:
        found = read_at(file.fileno(), room[: min(_BLOCK, length)], at)
        if not found:
            raise EOFError(f"{file.name}: ends {length} bytes early")
        yield room[:found]
        at, length = at + found, length - found


def _written(blocks: Iterable[memoryview], target: int, at: int) -> Iterator[memoryview]:
    """The blocks, each of which is in file `target` from byte `at` on when it comes."""
    for block in blocks:
        write_at(target, block, at)
        at += len(block)
        yield block
