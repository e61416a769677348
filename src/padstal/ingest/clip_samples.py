"""The samples of clips that lie in a file one after the other, held against their names wherever they are read.

They need no checksum: a clip's id is the digest of its samples (`content.address_of_clip`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from padstal.core.data.content import ADDRESS_DIGITS, address_of_clip


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


@dataclass(frozen=True)
class ClipSamples:
    """Clips in a file.

    Attributes:
        path, start: The file, and the byte where they begin.
        shape: Samples and channels of each; little-endian int16.
        names: Of the clips, in order.
    """

    path: Path
    start: int
    shape: tuple[int, int]
    names: tuple[ClipName, ...]

    def blocks(self) -> Iterator[memoryview]:
        """The bytes of each clip, all in the same place.

        Raises:
            DamagedError: A clip is not there, or does not have its name.
        """
        room = memoryview(bytearray(2 * math.prod(self.shape)))
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.start)
                for name in self.names:
                    whole = file.readinto(room) == len(room)
                    track, offset = name.sha256[:ADDRESS_DIGITS], name.offset_samples
                    if not whole or address_of_clip([room], self.shape, track, offset) != name.clip_id:
                        raise DamagedError(name.sha256)
                    yield room
        except FileNotFoundError:
            raise DamagedError(self.names[0].sha256) from None
