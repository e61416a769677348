"""The samples of a track's clips, one after the other in a file, held against their names wherever they are read.

They need no checksum: a clip's id is the digest of its samples (`content.address_of_clip`).
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from padstal.core.data.content import ADDRESS_DIGITS, address_of_clip
from padstal.ingest.outcome import Clip

Place = tuple[Path, int]
"""A file, and the byte where a track's samples begin."""


class DamagedError(Exception):
    """Samples in the store that are not what was stored; `sha256` is their track's."""

    def __init__(self, sha256: str):
        super().__init__(sha256)
        self.sha256 = sha256


def clip_blocks(
    place: Place | None, shape: tuple[int, int], sha256: str, clips: Sequence[Clip]
) -> Iterator[memoryview]:
    """The bytes of each clip of a track, all in the same place of memory.

    Args:
        place: Where they are; None for nowhere.
        shape: Samples and channels of a clip; little-endian int16.
        sha256, clips: The track's.

    Raises:
        DamagedError: A clip is not there, or does not have its name.
    """
    if place is None:
        raise DamagedError(sha256)
    path, start = place
    track, room = sha256[:ADDRESS_DIGITS], memoryview(bytearray(2 * math.prod(shape)))
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            for clip in clips:
                whole = file.readinto(room) == len(room)
                if not whole or address_of_clip([room], shape, track, clip.offset_samples) != clip.clip_id:
                    raise DamagedError(sha256)
                yield room
    except FileNotFoundError:
        raise DamagedError(sha256) from None
