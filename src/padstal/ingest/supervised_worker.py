"""Work on one item in a process that may die or hang without harm: a child beside each thread that gives out work.

The thread waits no longer than it was told, kills a child that is still busy then, even inside C, and takes a new one
for the next item. So an item's crash is that item's alone, on any executor (threads here, Dask's workers elsewhere).
"""

import pickle
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from padstal.ingest.fork_server import IDLE_SECONDS, ForkServer

_STALE_SECONDS = IDLE_SECONDS / 2


@dataclass(frozen=True)
class NoResult:
    """An item that has no result: its process died (`hung` False), or was killed after its time (True)."""

    hung: bool


@dataclass(frozen=True)
class Raised:
    """What the function raised."""

    error: BaseException


def worker_fork_server(prepare: Callable[[], None] | None = None) -> ForkServer:
    """For supervised workers' children, which are copied from a process that has called `prepare`."""
    return ForkServer(serve, prepare)


class SupervisedWorker:
    """One child; it starts with the first item."""

    def __init__(self, fork_server: ForkServer) -> None:
        self._fork_server = fork_server
        self._own: ForkServer | None = None
        self._child = 0
        self._connection: Connection | None = None
        self._used = 0.0
        self._ended = False

    def __call__(self, function: Callable[[Any], Any], item: Any, seconds: float | None) -> Any:
        """`function(item)`, or `Raised`, or `NoResult`.

        Args:
            function: A top-level function, importable in a new process.
            item: Can be pickled.
            seconds: Wall time allowed; None for any.
        """
        for _ in range(2):  # a fork server that dies takes its children along, whatever they work on
            if self._connection is not None and time.monotonic() - self._used > _STALE_SECONDS:
                self.close()
            if self._connection is None:
                self._child, self._connection = self._fork_server.fork()
            if self._ended:
                break
            try:
                self._connection.send((function, item))
                if self._connection.poll(seconds):
                    result = self._connection.recv()
                    self._used = time.monotonic()
                    return result
                self.close()
                return NoResult(hung=True)
            except (EOFError, ConnectionError):
                if self.close():
                    break
                self._fork_server = self._own = self._fork_server.another()  # another's item may do it again
        return NoResult(hung=False)

    def kill(self) -> None:
        """End the child, whatever it does; the thread that waits for it gets `NoResult`, and for all items after it."""
        self._ended = True
        if self._child:
            self._fork_server.end(self._child)

    def close(self) -> bool:
        """End the child and forget it; only by the thread that uses it, or after its end.

        Returns:
            False where its fork server had died.
        """
        if self._connection is None:
            return True
        self._connection.close()
        self._connection, child, self._child = None, self._child, 0
        lived = self._fork_server.end(child)
        if self._own is not None:
            self._own.close()
        return lived


_here = threading.local()


def run_supervised(
    supervised: list[SupervisedWorker] | None,
    fork_server: ForkServer | None,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    seconds: float | None,
) -> list[Any]:
    """Results of `items` by this thread's worker; one that is new is noted in `supervised`.

    Args:
        supervised: None on another machine, where a worker stays for the next tasks.
        fork_server: Of the worker's child; None for one of this thread.
        function, items, seconds: As `SupervisedWorker` has them.
    """
    worker = getattr(_here, "worker", None)
    if worker is None:
        worker = _here.worker = SupervisedWorker(fork_server or worker_fork_server())
        if supervised is not None:
            supervised.append(worker)
    return [worker(function, item, seconds) for item in items]


def serve(connection: Connection) -> None:
    """A child: answer items until the other side is gone, or asks for none any more."""
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
