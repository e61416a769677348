"""Work on one item in a process that may die or hang without harm: a child beside each thread that gives out work.

The thread waits no longer than it was told, kills a child that is still busy then, even inside C, and starts a new one
for the next item. So an item's crash is that item's alone, on any executor (threads here, Dask's workers elsewhere).
"""

import ctypes
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

IDLE_SECONDS = 60.0
"""A child that nobody asks for so long ends."""
_STALE_SECONDS = 30.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**27)}
"""A child of glibc keeps up to 128 MiB for its next item, in blocks of at most 32 MiB; to get them from the system page
by page again would take a fifth of its time. Other libraries do not know these names."""


@dataclass(frozen=True)
class Lost:
    """An item that has no result: its process died (`hung` False), or was killed after its time (True)."""

    hung: bool


@dataclass(frozen=True)
class Raised:
    """What the function raised."""

    error: BaseException


class Guard:
    """One child; it starts with the first item."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._used = 0.0
        self._ended = False

    def __call__(self, function: Callable[[Any], Any], item: Any, seconds: float | None) -> Any:
        """`function(item)`, or `Raised`, or `Lost`.

        Args:
            function: A top-level function, importable in a new process.
            item: Can be pickled.
            seconds: Wall time allowed; None for any.
        """
        if self._ended:
            return Lost(hung=False)
        if self._connection is not None and time.monotonic() - self._used > _STALE_SECONDS:
            self.close()
        if self._connection is None:
            self._start()
        assert self._connection is not None
        try:
            self._connection.send((function, item))
            if self._connection.poll(seconds):
                result = self._connection.recv()
                self._used = time.monotonic()
                return result
            hung = True
        except (EOFError, ConnectionError):
            hung = False
        self.close()
        return Lost(hung)

    def kill(self) -> None:
        """End the child, whatever it does; the thread that waits for it gets `Lost`, and for all items after it."""
        self._ended = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the child and forget it; only by the thread that uses it, or after its end."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), **_MALLOC}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        with theirs:
            handle = theirs.fileno()
            command = [sys.executable, "-c", f"from padstal.audio.guard import serve; serve({handle})"]
            self._process = subprocess.Popen(command, pass_fds=(handle,), env=environment, stdin=subprocess.DEVNULL)
        self._connection = Connection(ours.detach())
        self._used = time.monotonic()


_here = threading.local()


def guarded(
    guards: list[Guard] | None, function: Callable[[Any], Any], items: Sequence[Any], seconds: float | None
) -> list[Any]:
    """Results of `items` by the guard of this thread; one that is new is noted in `guards`."""
    guard = getattr(_here, "guard", None)
    if guard is None:
        guard = _here.guard = Guard()
        if guards is not None:
            guards.append(guard)
    return [guard(function, item, seconds) for item in items]


def serve(handle: int) -> None:
    """The child: answer items that come through socket `handle` until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    connection = Connection(handle)
    while connection.poll(IDLE_SECONDS):
        try:
            order = connection.recv_bytes()
        except EOFError:
            return
        connection.send_bytes(_answer(order))


def _answer(order: bytes) -> bytes:
    try:
        function, item = pickle.loads(order)
        return pickle.dumps(function(item))
    except Exception as error:
        try:
            return pickle.dumps(Raised(error))
        except Exception:
            return pickle.dumps(Raised(RuntimeError(f"{type(error).__name__}: {error}")))
