"""Results come in order from any executor, and one item's crash or hang is that item's alone.

Workers run `eval` of the standard library: a new process cannot import a test module.
"""

import errno
import os
import sys
import time

import pytest

from padstal.core.params import ParamsError
from padstal.ingest.supervised_worker import SupervisedWorker
from padstal.ingest.worker_pool import Workers, ordered_map

CRASH = "__import__('os')._exit(1)"
HANG = "__import__('ctypes').PyDLL(None).pause()"
"""In C, and no other Python thread of the process runs meanwhile."""
LOSE_WORKER = "(os := __import__('os')).kill(int(open(f'/proc/{os.getppid()}/stat').read().split()[3]), 9)"


def _ends() -> dict:
    return {"lost": lambda item, hung: f"{'timed out' if hung else 'crashed'}: {item}"}


def test_one_process_without_a_limit_maps_here():
    assert list(ordered_map(eval, ["1 + 1", "2 * 3"], workers=Workers(1))) == [2, 6]
    here = str(os.getpid())
    assert list(ordered_map(eval, ["str(__import__('os').getpid())"], workers=Workers(1))) == [here]
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(eval, ["1", "1 / 0"], workers=Workers(1)))


def test_a_crash_is_contained_and_order_and_threads_are_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    items = ["1 + 1", CRASH, "__import__('time').sleep(0.05) or 3", "__import__('os').environ['OMP_NUM_THREADS']"]
    found = list(ordered_map(eval, items, workers=Workers(2), **_ends()))
    assert found == [2, f"crashed: {CRASH}", 3, "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.slow
def test_what_hangs_in_c_is_killed_and_its_neighbours_are_not():
    items = ["1 + 1", HANG, "2 * 3", "3 * 3", "4 * 4"]
    found = list(ordered_map(eval, items, workers=Workers(1), seconds=4.0, **_ends()))
    assert found == [2, f"timed out: {HANG}", 6, 9, 16]


def test_work_goes_on_where_the_process_that_all_are_copied_from_is_lost():
    lose = "(os := __import__('os')).kill(os.getppid(), 9) or __import__('time').sleep(100)"
    found = list(ordered_map(eval, ["1", lose, "2", "3"], workers=Workers(1), seconds=60.0, **_ends()))
    assert found == [1, f"crashed: {lose}", 2, 3]


def test_a_worker_whose_master_is_gone_when_it_answers_ends_without_a_word():
    worker = SupervisedWorker()
    worker._begin()
    worker._connection.send((time.sleep, 0.2))
    worker._connection.close()
    assert worker._child is not None
    worker._child.join(60)
    assert worker._child.exitcode == 0


def test_answers_are_plain_data_and_what_pickles_into_a_call_stays_a_failure():
    call = "type('Evil', (), {'__reduce__': lambda self: (print, ('called',))})()"
    assert list(ordered_map(eval, ["[1, 'a', None]"], workers=Workers(2))) == [[1, "a", None]]
    with pytest.raises(RuntimeError, match="TypeError: Object of type Evil is not JSON"):
        list(ordered_map(eval, [call], workers=Workers(2)))


@pytest.mark.skipif(sys.platform != "linux", reason="others do not limit private memory")
def test_an_item_that_asks_for_too_much_memory_fails_alone():
    items = ["len(bytearray(10**6))", "len(bytearray(3 * 2**30))"]
    found = ordered_map(eval, items, workers=Workers(2))
    assert next(found) == 10**6
    with pytest.raises(RuntimeError, match="MemoryError"):
        next(found)


def test_an_error_of_the_system_keeps_its_kind_number_and_file():
    with pytest.raises(FileNotFoundError) as told:
        list(ordered_map(eval, ["open('/no/such')"], workers=Workers(2)))
    assert (told.value.errno, told.value.filename) == (errno.ENOENT, "/no/such")


def test_an_exception_is_raised_here_and_work_that_is_left_ends_at_once():
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
        list(ordered_map(eval, ["1 / 0", "__import__('time').sleep(100)"], workers=Workers(2)))
    assert time.monotonic() - started < 30


def test_a_crash_without_a_result_for_it_is_an_error():
    with pytest.raises(RuntimeError, match="died"):
        list(ordered_map(eval, [CRASH], workers=Workers(2)))


def test_what_is_known_needs_no_worker_and_items_are_read_as_needed():
    read = 0

    def items():
        nonlocal read
        for read in range(1, 100_001):
            yield str(read)

    found = ordered_map(eval, items(), workers=Workers(2), known=lambda item: f"known {item}")
    assert [next(found) for _ in range(3)] == ["known 1", "known 2", "known 3"]
    assert read < 1000
    found.close()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "tcp://u:pw@127.0.0.1:9", "nothing"])
def test_a_dask_scheduler_that_is_not_there_is_named(address: str):
    named = f"runtime.executor.address: {address}: no Dask scheduler answers: [^:]"
    with pytest.raises(ParamsError, match=named):
        list(ordered_map(eval, ["1"], workers=Workers(1, "dask", address)))


@pytest.mark.slow
def test_dask_contains_crashes_hangs_and_the_loss_of_its_workers():
    items = [str(i) for i in range(11)]
    items[3], items[8], items[9] = CRASH, LOSE_WORKER, HANG
    found = list(ordered_map(eval, items, workers=Workers(2, "dask"), seconds=15.0, **_ends()))
    expected: list[object] = list(range(11))
    expected[3], expected[8], expected[9] = f"crashed: {CRASH}", f"crashed: {LOSE_WORKER}", f"timed out: {HANG}"
    assert found == expected
