"""Children are copied from a prepared process, end when they are told to, and never outlive who started them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.flows.tiny import gone

from padstal.ingest.supervised_worker import LostError, SupervisedWorker, fork_server

RARE = "colorsys"
"""A module that nothing imports by itself."""
PARENT = "__import__('os').getppid()"
HANG = (
    "print(__import__('os').getpid(), __import__('os').getppid(), flush=True), __import__('ctypes').PyDLL(None).pause()"
)


@pytest.mark.parametrize("preload", [RARE, "no_such_module"])
def test_children_have_what_was_prepared_and_a_failure_to_prepare_is_theirs_to_meet(preload):
    with fork_server(preload):
        worker = SupervisedWorker()
        assert worker(eval, f"'{RARE}' in __import__('sys').modules", 20.0) == (preload == RARE)
        worker.kill()


def test_children_share_a_parent_that_ends_with_its_context():
    with fork_server():
        workers = [SupervisedWorker(), SupervisedWorker()]
        [parent, same] = [worker(eval, PARENT, 20.0) for worker in workers]
        assert parent == same != os.getpid()
        for worker in workers:
            worker.kill()
    assert gone(parent)


def test_a_child_that_was_killed_meanwhile_costs_no_item_and_one_that_was_ended_takes_none():
    worker = SupervisedWorker()
    child, parent = worker(eval, f"__import__('os').getpid(), {PARENT}", 20.0)
    os.kill(parent, signal.SIGSTOP)  # it says nothing of the child's end yet, as on a busy machine
    threading.Timer(0.5, os.kill, (parent, signal.SIGCONT)).start()
    os.kill(child, signal.SIGKILL)
    assert gone(child)
    assert worker(eval, "7", 20.0) == 7
    worker.kill()
    with pytest.raises(LostError):
        worker(eval, "7", 20.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_what_hangs_in_c_ends_with_the_process_that_started_it(tmp_path):
    code = (
        f'from padstal.ingest.supervised_worker import SupervisedWorker\nSupervisedWorker()(eval, """{HANG}""", None)'
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=said)
    while not (numbers := Path(tmp_path / "said").read_text().split()):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert all(gone(int(number)) for number in numbers)
