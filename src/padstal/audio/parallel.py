"""Work over many items in several processes: results in order, one numerical thread each, crashes contained."""

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

AHEAD = 4
"""Items given out ahead of the one awaited, for each worker; bounds the results held in memory."""
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def ordered_map(
    function: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    *,
    workers: int,
    crashed: Callable[[ItemT], ResultT] | None = None,
) -> Iterator[ResultT]:
    """`map(function, items)` over `workers` processes; with 1 it runs here.

    Args:
        function: A top-level function; what it raises is raised here.
        items: Read as needed.
        workers: Processes.
        crashed: Result of an item that kills its process even when it runs alone; without it such a crash is raised.
    """
    if workers == 1:
        yield from map(function, items)
        return
    waiting: deque[tuple[ItemT, Future[ResultT]]] = deque()
    source = iter(items)
    pool = _pool(workers)
    try:
        while True:
            while len(waiting) < AHEAD * workers:
                try:
                    item = next(source)
                except StopIteration:
                    break
                waiting.append((item, _submit(pool, function, item)))
            if not waiting:
                return
            item, future = waiting.popleft()
            try:
                result = future.result()
            except BrokenProcessPool:
                pool.shutdown(wait=False, cancel_futures=True)
                result = _alone(function, item, crashed)
                pool = _pool(workers)
                waiting = deque((other, _submit(pool, function, other)) for other, _ in waiting)
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _alone(function: Callable[[ItemT], ResultT], item: ItemT, crashed: Callable[[ItemT], ResultT] | None) -> ResultT:
    """The item in a process of its own, so that one item's crash is not laid on its neighbours."""
    with _pool(1) as pool:
        try:
            return _submit(pool, function, item).result()
        except BrokenProcessPool:
            if crashed is None:
                raise
            return crashed(item)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)


def _submit(pool: ProcessPoolExecutor, function: Callable[[ItemT], ResultT], item: ItemT) -> "Future[ResultT]":
    with _one_thread():  # workers start on submission and inherit the environment
        try:
            return pool.submit(function, item)
        except BrokenProcessPool as error:
            failed: Future[ResultT] = Future()
            failed.set_exception(error)
            return failed


@contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """A worker leaves interrupts to its parent and dies with it (Linux)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
