"""Reading and writing of much that is not used again soon: memory is not kept for it.

What is written goes to the disk at once, and the few pages of memory that it passes through serve again and again. New
pages for all of it would cost more than the writing where a system has to ask its host for them, and would push out
what others read. Linux 6.14 and later can do so on most file systems; elsewhere this is like all reading and writing.
"""

import os
import sys
from collections.abc import Callable

_RWF_DONTCACHE = 0x80
"""Of preadv2(2) and pwritev2(2); Python has no name for it."""


def read_at(file: int, room: memoryview, at: int) -> int:
    """Read from byte `at` of the file with this descriptor into `room`; how many bytes, 0 at its end.

    Raises:
        OSError: It cannot be read.
    """
    return _uncached(os.preadv, file, room, at)


def write_at(file: int, data: memoryview, at: int) -> None:
    """Write all of `data`, bytes, to the file with this descriptor, from byte `at`.

    Raises:
        OSError: It cannot be written; a part may be.
    """
    while data:
        written = _uncached(os.pwritev, file, data, at)
        data, at = data[written:], at + written


def _uncached(transfer: Callable[..., int], file: int, data: memoryview, at: int) -> int:
    if sys.platform == "linux":
        try:
            return transfer(file, [data], at, _RWF_DONTCACHE)
        except (OSError, NotImplementedError):  # kernel, file system or C library cannot; another error comes again
            pass
    return transfer(file, [data], at)
