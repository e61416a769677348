"""A process that others are copied from: what it has imported and compiled, all of them have from their first moment,
in one piece of memory.

It answers one order at a time, and ends with the process that started it, however that ends; its children end with it.
"""

import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle

IDLE_SECONDS = 60.0
"""A process of these that nobody asks for so long ends."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**27)}
"""A child of glibc keeps up to 128 MiB for its next item, in blocks of at most 32 MiB; to get them from the system page
by page again would take a fifth of its time. Other libraries do not know these names."""


class ForkServer:
    """Starts children that serve a connection; any thread may ask."""

    def __init__(self, serve: Callable[[Connection], None], prepare: Callable[[], None] | None = None):
        """Nothing is started yet.

        Args:
            serve: What a child does, a top-level function; it ends with that.
            prepare: A top-level function that is called once, before any child is copied.
        """
        self._serve, self._prepare = serve, prepare
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def another(self) -> "ForkServer":
        """One of the same kind."""
        return ForkServer(self._serve, self._prepare)

    def start(self) -> None:
        """Have it prepare while others work, so that the first child need not wait."""
        with self._lock:
            self._started()

    def fork(self) -> tuple[int, Connection]:
        """A new child's number, and the connection that it serves.

        Raises:
            OSError: There can be no further process, or none to copy.
        """
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            for again in (True, False):
                connection = self._started()
                try:
                    connection.send(0)
                    send_handle(connection, theirs.fileno(), self._process.pid if self._process else None)
                    child = connection.recv()
                    break
                except (EOFError, OSError) as error:  # it ended while nobody asked, or was killed
                    self._end()
                    if not again:
                        ours.close()
                        raise OSError(
                            "the process that workers are copied from ends when it is asked for one"
                        ) from error
        if isinstance(child, OSError):
            ours.close()
            raise child
        return child, Connection(ours.detach())

    def end(self, child: int) -> bool:
        """Kill a child, wait for its end and forget it; False where this process is not there any more, nor are its
        children."""
        with self._lock:
            if self._connection is None:
                return False
            try:
                self._connection.send(child)
                self._connection.recv()
            except (EOFError, OSError):
                self._end()
                return False
            return True

    def close(self) -> None:
        """End this process and what children it has."""
        with self._lock:
            self._end()

    def _started(self) -> Connection:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), **_MALLOC}
            environment["PYTHONPATH"] = os.pathsep.join(sys.path)
            with theirs:
                handle = theirs.fileno()
                command = [
                    sys.executable,
                    "-c",
                    f"from padstal.ingest.fork_server import run_server; run_server({handle})",
                ]
                self._process = subprocess.Popen(command, pass_fds=(handle,), env=environment, stdin=subprocess.DEVNULL)
            self._connection = Connection(ours.detach())
            with suppress(OSError):
                self._connection.send((self._serve, self._prepare))
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None


def run_server(handle: int) -> None:
    """The process: serve orders that come through socket `handle` until the other side is gone.

    An order is 0, followed by the socket of a new child, whose number is the answer, or the number of a child to end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    orders, children = Connection(handle), set[int]()
    with suppress(EOFError):
        serve, prepare = orders.recv()
        if prepare is not None:
            with suppress(Exception):  # a child will meet it again, and say so
                prepare()
        gc.freeze()  # what children share is not walked through, and so not copied
        while orders.poll(IDLE_SECONDS) or _living(children):
            if not orders.poll():
                continue
            child = orders.recv()
            if child:
                _killed(child, children)
                orders.send(None)
            else:
                orders.send(_copied(serve, recv_handle(orders), orders, children))
    for child in tuple(children):
        _killed(child, children)


def _copied(serve: Callable[[Connection], None], handle: int, orders: Connection, children: set[int]) -> int | OSError:
    """The number of a new child that serves socket `handle`, or why there is none."""
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        os.close(handle)
        return error
    if child == 0:
        try:
            _die_with(parent)
            orders.close()
            serve(Connection(handle))
        finally:
            os._exit(0)
    os.close(handle)
    children.add(child)
    return child


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked
        os._exit(0)


def _killed(child: int, children: set[int]) -> None:
    """End one of `children`; others' numbers may have come again."""
    if child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        children.remove(child)


def _living(children: set[int]) -> bool:
    """Whether any child lives; those that ended are forgotten."""
    for child in tuple(children):
        if os.waitpid(child, os.WNOHANG)[0]:
            children.remove(child)
    return bool(children)
