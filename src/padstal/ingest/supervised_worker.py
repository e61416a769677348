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

from padstal.ingest.fork_server import IDLE_SECONDS, Nursery

_STALE_SECONDS = IDLE_SECONDS / 2


@dataclass(frozen=True)
class Lost:
    """An item that has no result: its process died (`hung` False), or was killed after its time (True)."""

    hung: bool


@dataclass(frozen=True)
class Raised:
    """What the function raised."""

    error: BaseException


def nursery_of(prepare: Callable[[], None] | None = None) -> Nursery:
    """For guards' children, which are copied from a process that has called `prepare`."""
    return Nursery(serve, prepare)


class Guard:
    """One child; it starts with the first item."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._own: Nursery | None = None
        self._child = 0
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
        for _ in range(2):  # a nursery that dies takes its children along, whatever they work on
            if self._connection is not None and time.monotonic() - self._used > _STALE_SECONDS:
                self.close()
            if self._connection is None:
                self._child, self._connection = self._nursery.fork()
            if self._ended:
                break
            try:
                self._connection.send((function, item))
                if self._connection.poll(seconds):
                    result = self._connection.recv()
                    self._used = time.monotonic()
                    return result
                self.close()
                return Lost(hung=True)
            except (EOFError, ConnectionError):
                if self.close():
                    break
                self._nursery = self._own = self._nursery.another()  # another guard's item may do it again
        return Lost(hung=False)

    def kill(self) -> None:
        """End the child, whatever it does; the thread that waits for it gets `Lost`, and for all items after it."""
        self._ended = True
        if self._child:
            self._nursery.end(self._child)

    def close(self) -> bool:
        """End the child and forget it; only by the thread that uses it, or after its end.

        Returns:
            False where its nursery had died.
        """
        if self._connection is None:
            return True
        self._connection.close()
        self._connection, child, self._child = None, self._child, 0
        lived = self._nursery.end(child)
        if self._own is not None:
            self._own.close()
        return lived


_here = threading.local()


def guarded(
    guards: list[Guard] | None,
    nursery: Nursery | None,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    seconds: float | None,
) -> list[Any]:
    """Results of `items` by the guard of this thread; one that is new is noted in `guards`.

    Args:
        guards: None on another machine, where a guard stays for the next tasks.
        nursery: Of the guard's child; None for one of this thread.
        function, items, seconds: As `Guard` has them.
    """
    guard = getattr(_here, "guard", None)
    if guard is None:
        guard = _here.guard = Guard(nursery or nursery_of())
        if guards is not None:
            guards.append(guard)
    return [guard(function, item, seconds) for item in items]


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
