"""Work over many items on an executor: results in the order of the items, crashes and hangs contained.

The executor is one of this machine's processes or of a Dask cluster; each item runs in a child that can be
killed (`supervised_worker`).
"""

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from padstal.core.params import ParamsError
from padstal.core.runtime import DaskParams, RuntimeParams
from padstal.core.untrusted import reason
from padstal.ingest.supervised_worker import LostError, SupervisedWorker

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

AHEAD = 3
"""Items given out ahead of those at work, for each worker."""
LONGEST_QUEUE = 256
"""Items whose results are held in memory at most."""


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        count: Processes of this machine; unused where a cluster's address is given.
        kind: "processes", or "dask": a cluster of Dask.
        address: Of the cluster's scheduler, "tcp://…"; None starts a local cluster of `count` processes and ends it.
    """

    count: int
    kind: Literal["processes", "dask"] = "processes"
    address: str | None = None

    @classmethod
    def of(cls, runtime: RuntimeParams) -> "Workers":
        """As params say."""
        executor = runtime.executor
        return cls(runtime.workers, executor.kind, executor.address if isinstance(executor, DaskParams) else None)

    def here(self, seconds: float | None) -> bool:
        """Whether `ordered_map` with this limit of time needs no other process."""
        return self == Workers(1) and seconds is None


def ordered_map(
    function: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    *,
    workers: Workers,
    seconds: float | None = None,
    known: Callable[[ItemT], ResultT | None] = lambda item: None,
    lost: Callable[[ItemT, bool], ResultT] | None = None,
) -> Iterator[ResultT]:
    """`map(function, items)` by `workers`; by one process without a limit of time it runs here.

    Args:
        function: A top-level function, whose result JSON can tell.
        items: Read as needed.
        workers: Who does the work.
        seconds: Wall time of one item; an item that takes longer is killed. None for any time.
        known: Result of an item that needs no work, or None.
        lost: Result of an item that kills its process, or that took longer (true); without it that is an error.

    Raises:
        ParamsError: No Dask scheduler answers at the address.
        OSError, RuntimeError: `function` raised it, or something else, which is named.
    """
    if workers.here(seconds):
        for item in items:
            result = known(item)
            yield function(item) if result is None else result
        return
    with _submission(workers) as (submit, width):

        def begin(item: ItemT) -> Any:
            result = known(item)
            return submit(function, item, seconds) if result is None else result

        for item, answer in in_order(begin, items, width=width):
            again = partial(submit, function, item, seconds)
            try:
                yield _result(answer, again) if isinstance(answer, Future) else answer
            except LostError as error:
                if lost is None:
                    what = "took too long" if error.hung else "died"
                    raise RuntimeError(f"the process that worked on {item!r} {what}") from None
                yield lost(item, error.hung)


def in_order(begin: Callable[[ItemT], Any], items: Iterable[ItemT], *, width: int) -> Iterator[tuple[ItemT, Any]]:
    """Each item with what `begin` gave for it: an answer, or a `Future` that may still be at work.

    At most `AHEAD` futures for each of `width` workers are begun, and at most `LONGEST_QUEUE` items wait for their
    turn, so that memory does not grow with the number of items, and those that need work find it though most are known.
    """
    coming, waiting, at_work = iter(items), deque[tuple[ItemT, Any]](), list[Future[Any]]()
    while True:
        at_work = [future for future in at_work if not future.done()]
        while len(at_work) < AHEAD * width and len(waiting) < LONGEST_QUEUE:
            try:
                item = next(coming)
            except StopIteration:
                break
            begun = begin(item)
            waiting.append((item, begun))
            if isinstance(begun, Future):
                at_work.append(begun)
        if not waiting:
            return
        yield waiting.popleft()


Submit = Callable[[Callable[[Any], Any], Any, float | None], "Future[Any]"]
"""Has a child do `function(item)` in so many seconds."""


@contextmanager
def _submission(workers: Workers) -> Iterator[tuple[Submit, int]]:
    """How items are given out, and how many at a time; what has not ended with the context is given up."""
    if workers.kind == "dask":
        with _dask_client(workers) as (client, width):

            def remote(*order: Any) -> Any:
                """Not by Dask's executor, which mixes up result and error of a task that is lost between the two."""
                return client.submit(_on_dask, *order, pure=False, retries=0).result()

            with _threads(width, remote, client.close) as submit:
                yield submit, width
        return
    idle: SimpleQueue[SupervisedWorker] = SimpleQueue()
    children = [SupervisedWorker() for _ in range(workers.count)]
    for child in children:
        idle.put(child)

    def supervised(*order: Any) -> Any:
        child = idle.get()
        try:
            return child(*order)
        finally:
            idle.put(child)

    def kill() -> None:
        for child in children:
            child.kill()

    try:
        with _threads(workers.count, supervised, kill) as submit:
            yield submit, workers.count
    finally:
        for child in children:
            child.close()


@contextmanager
def _threads(count: int, work: Callable[..., Any], stop: Callable[[], None]) -> Iterator[Submit]:
    """Submission to threads that each wait for one item at a time; `stop` ends what they wait for."""
    with ThreadPoolExecutor(count, thread_name_prefix="supervisor") as threads:
        try:
            yield lambda *order: threads.submit(work, *order)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            stop()


@contextmanager
def _dask_client(workers: Workers) -> Iterator[tuple[Any, int]]:
    """A client of the cluster, and the number of its threads.

    Raises:
        ParamsError: No scheduler answers at the address.
    """
    import dask
    from distributed import Client, LocalCluster

    if workers.address is None:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 1}),  # of workers; items have their own
            LocalCluster(
                n_workers=workers.count, threads_per_worker=1, processes=True, dashboard_address=None
            ) as local,
            Client(local) as client,
        ):
            yield client, workers.count
        return
    try:
        client = Client(workers.address, timeout=20)
    except Exception as error:  # of each protocol its own
        told = f"runtime.executor.address: {workers.address}: no Dask scheduler answers: {reason(error)}"
        raise ParamsError(told) from None
    with client:
        yield client, max(1, sum(client.nthreads().values()))


_thread = threading.local()


def _on_dask(*order: Any) -> Any:
    """An item on a Dask worker, in a child of the worker's thread that stays for the next items."""
    if not hasattr(_thread, "child"):
        multiprocessing.current_process().daemon = False  # Dask's workers are daemons, which may have no children
        _thread.child = SupervisedWorker()
    return _thread.child(*order)


def _result(future: "Future[Any]", again: Callable[[], "Future[Any]"]) -> Any:
    """What a future gives; one whose Dask workers all died is tried once more: another item may have killed them.

    Raises:
        LostError: The item has no result.
    """
    for attempt in (lambda: future, again):
        try:
            return attempt().result()
        except Exception as error:
            if type(error).__name__ != "KilledWorker":
                raise
    raise LostError(False)
