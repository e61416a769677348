"""Work on one item in a process that may die or hang without harm.

Children are copied from one process, Python's fork server, that has imported and compiled what they need. Whoever waits
for a child waits no longer than he was told and kills one that is still busy then, even inside C. What a child read may
have taken it over: it answers in JSON, and nothing that it says is unpickled.
"""

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from padstal.core.parent_death import SET_PARENT_DEATH_SIGNAL

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
MEMORY_BYTES = 2**30
"""Private memory of a child at most: an item that needs more raises MemoryError. Mapped files do not count."""
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**27)}
"""A child of glibc keeps up to 128 MiB for its next item, in blocks of at most 32 MiB; to get them from the system page
by page again would take a fifth of its time. Other libraries do not know these names."""
_start = threading.Lock()


class LostError(Exception):
    """An item has no result: its process died, or was killed after its time (`hung`)."""

    def __init__(self, hung: bool):
        super().__init__(hung)
        self.hung = hung


@contextmanager
def fork_server(*preload: str) -> Iterator[None]:
    """A fork server that has imported modules `preload`; it prepares while others work, and ends with the context.

    Without this context, one that has imported nothing starts with the first child, and ends with this process.
    """
    _stop_fork_server()
    forkserver.set_forkserver_preload([*_main_module(), *preload])
    _ensure_fork_server()
    try:
        yield
    finally:
        _stop_fork_server()
        forkserver.set_forkserver_preload(_main_module())


def _stop_fork_server() -> None:
    """End the fork server, whatever it imports, and wait for it, so that its time and its children's are counted."""
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]  # there is no public way
    if server._forkserver_pid is not None:
        os.kill(server._forkserver_pid, signal.SIGKILL)
    server._stop()


def _main_module() -> list[str]:
    """The module that runs, if it has a name: each child imports it."""
    spec = sys.modules["__main__"].__spec__
    return [spec.name] if spec else []


def _ensure_fork_server() -> None:
    """Start the fork server with one thread of arithmetic, if none runs."""
    with _start:
        before = dict(os.environ)
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1") | _MALLOC)
        try:
            forkserver.ensure_running()
        finally:
            os.environ.clear()
            os.environ.update(before)


class SupervisedWorker:
    """One child; it starts with the first item. One thread uses it; any may `kill` it."""

    def __init__(self) -> None:
        self._child: BaseProcess | None = None
        self._ended = False

    def __call__(self, function: Callable[[Any], Any], item: Any, seconds: float | None) -> Any:
        """`function(item)`.

        Args:
            function: A top-level function, importable in a new process, whose result JSON can tell.
            item: Can be pickled.
            seconds: Wall time allowed; None for any.

        Raises:
            LostError: The child died or hung; the next item has a new one.
            OSError: The function raised one, or there can be no further process.
            RuntimeError: The function raised something else, which is named.
        """
        if self._child is None or self._connection.poll():  # one that has no item and can be read from is dead
            self.close()
            self._begin()
        try:
            self._connection.send((function, item))
            if not self._connection.poll(seconds):
                self.close()
                raise LostError(True)
            kind, *answer = json.loads(self._connection.recv_bytes())
        except (EOFError, ConnectionError):
            self.close()
            raise LostError(False) from None
        if kind == "result":
            return answer[0]
        raise OSError(*answer) if kind == "OSError" else RuntimeError(*answer)

    def kill(self) -> None:
        """End the child, whatever it does; the thread that waits for it gets `LostError`, and so for all items."""
        self._ended, child = True, self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """End the child and wait for it; only by the thread that uses it, or after its end."""
        if self._child is not None:
            self._child.kill()
            self._child.join()
            self._connection.close()
            self._child = None

    def _begin(self) -> None:
        _ensure_fork_server()
        context = multiprocessing.get_context("forkserver")
        self._connection, theirs = context.Pipe()
        child = context.Process(target=serve, args=(theirs,), daemon=True)
        child.start()
        theirs.close()
        self._child = child
        if self._ended:
            child.kill()


def serve(connection: Connection) -> None:
    """A child: answer items until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _die_with_parent()
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = MEMORY_BYTES if most == resource.RLIM_INFINITY else min(MEMORY_BYTES, most)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
    with suppress(EOFError, ConnectionError):
        while True:
            function, item = connection.recv()
            connection.send_bytes(_answer(function, item).encode())


def _answer(function: Callable[[Any], Any], item: Any) -> str:
    try:
        return json.dumps(["result", function(item)])
    except OSError as error:
        name = error.filename and os.fsdecode(error.filename)
        return json.dumps(["OSError", error.errno, error.strerror or str(error), name])
    except Exception as error:
        return json.dumps(["error", f"{type(error).__name__}: {error}"])


def _die_with_parent() -> None:
    """End at once when the process that works with this one dies: its fork server then ends, and this one with it."""
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # what the server waits for
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # it died before the kernel could be asked
        os._exit(0)
