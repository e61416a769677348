"""Work over many items on an executor: results in the order of the items, crashes and hangs contained.

The executor is one of this machine's processes or of a Dask cluster; each item runs in a child that can be
killed (`supervised_worker`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from padstal.core.runtime import DaskParams, RuntimeParams
from padstal.ingest.fork_server import ForkServer
from padstal.ingest.supervised_worker import NoResult, Raised, SupervisedWorker, run_supervised, worker_fork_server

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

AHEAD = 3
"""Chunks given out ahead of those at work, for each worker."""
LONGEST_QUEUE = 256
"""Items whose results are held in memory at most."""
DASK_CHUNK = 8
"""Items of one Dask task; a task costs its scheduler about a millisecond."""


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


@contextmanager
def executor_of(workers: Workers) -> Iterator[tuple[Executor, int]]:
    """An executor and how many items it works on at a time.

    Raises:
        ConnectionError: No Dask scheduler answers at the address.
    """
    if workers.kind == "processes":
        with ThreadPoolExecutor(workers.count, thread_name_prefix="supervisor") as threads:
            yield threads, workers.count
        return
    import dask
    from distributed import Client, LocalCluster

    if workers.address is None:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 1}),  # of workers; items have their own
            LocalCluster(
                n_workers=workers.count, threads_per_worker=1, processes=True, dashboard_address=None
            ) as local,
            Client(local) as client,
            client.get_executor(pure=False, retries=0) as executor,
        ):
            yield executor, workers.count
        return
    try:
        client = Client(workers.address, timeout=20)
    except (OSError, TimeoutError) as error:
        raise ConnectionError(f"{workers.address}: no Dask scheduler answers: {error}") from None
    with client, client.get_executor(pure=False, retries=0) as executor:
        yield executor, max(1, sum(client.nthreads().values()))


def ordered_map(
    function: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    *,
    workers: Workers,
    seconds: float | None = None,
    known: Callable[[ItemT], ResultT | None] = lambda item: None,
    together: Callable[[ItemT], Any] = lambda item: None,
    most: int = 1,
    crashed: Callable[[ItemT], ResultT] | None = None,
    timed_out: Callable[[ItemT], ResultT] | None = None,
    fork_server: ForkServer | None = None,
) -> Iterator[ResultT]:
    """`map(function, items)` by `workers`; by one process without a limit of time it runs here.

    Args:
        function: A top-level function; what it raises is raised here.
        items: Read as needed.
        workers: Who does the work.
        seconds: Wall time of one item; an item that takes longer is killed. None for any time.
        known: Result of an item that needs no work, or None.
        together: Neighbours for which this is equal go to one process where that does not keep others idle.
        most: How many of them at the most.
        crashed: Result of an item that kills its process; without it that raises `RuntimeError`.
        timed_out: Result of an item that took longer; without it that raises `TimeoutError`.
        fork_server: Of this machine (`worker_fork_server`), closed by its owner; by default one that ends with this.
    """
    if works_here(workers, seconds):
        for item in items:
            result = known(item)
            yield function(item) if result is None else result
        return
    supervised: list[SupervisedWorker] = []
    own = worker_fork_server()
    try:
        with executor_of(workers) as (executor, width):
            local = workers.kind == "processes"
            noted, near = (supervised, fork_server or own) if local else (None, None)
            queue = Queue(
                lambda batch: executor.submit(run_supervised, noted, near, function, batch, seconds),
                known,
                width=width,
                together=together,
                chunk=most if local else max(most, DASK_CHUNK),
            )
            try:
                for item, answer in queue.answers(iter(items)):
                    yield _result(item, answer, crashed, timed_out)
            finally:
                queue.cancel()
                for worker in supervised:
                    worker.kill()
    finally:
        for worker in supervised:
            worker.close()
        own.close()


def works_here(workers: Workers, seconds: float | None) -> bool:
    """Whether `ordered_map` needs no other process."""
    return workers == Workers(1) and seconds is None


def _result(
    item: Any, answer: Any, crashed: Callable[[Any], Any] | None, timed_out: Callable[[Any], Any] | None
) -> Any:
    """A worker's answer as the caller wants it."""
    if isinstance(answer, Raised):
        raise answer.error
    if not isinstance(answer, NoResult):
        return answer
    end = timed_out if answer.hung else crashed
    if end is not None:
        return end(item)
    if answer.hung:
        raise TimeoutError(f"{item!r} took longer than allowed")
    raise RuntimeError(f"the process that worked on {item!r} died")


@dataclass(eq=False)
class _Slot:
    """An item on its way: its answer, or the place of its answer in what `future` gives."""

    item: Any
    answer: Any = None
    future: "Future[list[Any]] | None" = None
    place: int = 0


class Queue:
    """Items at work, whose answers come in order.

    At most `AHEAD` chunks a worker are given out, and at most `LONGEST_QUEUE` items wait for their turn, so that memory
    does not grow with the number of items, and those that need work find it though most are known.
    """

    def __init__(
        self,
        submit: Callable[[list[Any]], "Future[list[Any]]"],
        known: Callable[[Any], Any],
        *,
        width: int,
        together: Callable[[Any], Any] = lambda item: None,
        chunk: int = 1,
    ):
        self._submit, self._known, self._together, self._chunk = submit, known, together, chunk
        self._most_chunks = AHEAD * width
        self._most_slots = max(LONGEST_QUEUE, 2 * self._most_chunks * chunk)
        self._slots: deque[_Slot] = deque()
        self._gathered: list[_Slot] = []
        self._given: list[Future[list[Any]]] = []

    def answers(self, items: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        """Each item with its answer."""
        while True:
            self._fill(items)
            if not self._slots:
                return
            slot = self._slots.popleft()
            if slot.future is None and slot in self._gathered:
                self._give()
            yield slot.item, self._wait(slot) if slot.future else slot.answer

    def cancel(self) -> None:
        """Take back what has not begun."""
        for future in self._given:
            future.cancel()

    def _fill(self, items: Iterator[Any]) -> None:
        self._given = [future for future in self._given if not future.done()]
        while len(self._given) < self._most_chunks and len(self._slots) < self._most_slots:
            try:
                item = next(items)
            except StopIteration:
                self._give()
                return
            if self._gathered and self._together(item) != self._together(self._gathered[0].item):
                self._give()
            slot = _Slot(item, self._known(item))
            self._slots.append(slot)
            if slot.answer is None:
                self._gathered.append(slot)
                if len(self._gathered) == self._chunk:
                    self._give()

    def _give(self) -> None:
        if not self._gathered:
            return
        future = self._submit([slot.item for slot in self._gathered])
        for place, slot in enumerate(self._gathered):
            slot.future, slot.place = future, place
        self._gathered = []
        self._given.append(future)

    def _wait(self, slot: _Slot) -> Any:
        assert slot.future is not None
        try:
            return slot.future.result()[slot.place]
        except Exception as error:
            if not _worker_lost(error):
                raise
        try:
            return self._submit([slot.item]).result()[0]  # alone: the chunk's other items may be innocent
        except Exception as error:
            if not _worker_lost(error):
                raise
            return NoResult(hung=False)


def _worker_lost(error: Exception) -> bool:
    """Whether Dask gave a task up because every worker that took it died."""
    return type(error).__name__ == "KilledWorker"
