"""Locks that the kernel releases when their last holder dies, be it a flow or a child that outlived it.

A lock is `flock` on a file. Children started by `run_child` inherit the descriptors in `INHERITED`, so the lock of a
flow that was killed stays until its last child is gone, too.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INHERITED: set[int] = set()
"""Descriptors that children keep open."""


class BusyError(ValueError):
    """Another process holds a lock, or is at work; the message says where."""


@contextmanager
def file_lock(file: Path, *, wait: bool = True, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lock on `file`, which is made if needed and stays.

    Args:
        file: The lock.
        wait: Wait for a holder; `say` is told that we do.
        say: Gets a line for a person.

    Raises:
        BusyError: It is held and `wait` is false.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise BusyError(f"{file}: held by another process; wait for its end, then try again") from None
            say(f"waiting for {file}, which another run holds")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        INHERITED.add(descriptor)
        yield
    finally:
        INHERITED.discard(descriptor)
        os.close(descriptor)
