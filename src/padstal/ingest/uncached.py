"""Reading and writing of much that is not used again soon: memory is not kept for it.

What is written goes to the disk at once, and the few pages of memory that it passes through serve again and again. New
pages for all of it would cost more than the writing where a system has to ask its host for them, and would push out
what others read. Linux 6.14 and later can do so on most file systems; elsewhere this is like all reading and writing.
"""

import os
from collections.abc import Callable

_DONTCACHE = 0x80 if hasattr(os, "RWF_DSYNC") else 0
"""RWF_DONTCACHE of preadv2(2) and pwritev2(2), for which Python has no name; 0 where it has neither call."""


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
    if _DONTCACHE:
        try:
            return transfer(file, [data], at, _DONTCACHE)
        except OSError:  # the kernel or the file system cannot; another error comes again
            pass
    return transfer(file, [data], at)
