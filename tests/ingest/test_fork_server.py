"""Children are copied from a prepared process, end when they are told to, and never outlive who started them."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from tests.flows.tiny import gone

from padstal.ingest.supervised_worker import SupervisedWorker, worker_fork_server

RARE = "colorsys"
"""A module that nothing imports by itself."""


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("prepare", [None, partial(import_module, RARE), partial(import_module, "no_such_module")])
def test_children_have_what_was_prepared_and_a_failure_to_prepare_is_theirs_to_meet(prepare):
    with closing(worker_fork_server(prepare)) as fork_server:
        worker = SupervisedWorker(fork_server)
        found = worker(eval, f"'{RARE}' in __import__('sys').modules", 20.0)
        worker.close()
    assert found == (prepare is not None and prepare.args == (RARE,))


def test_children_share_a_parent_and_end_when_told_to():
    with closing(worker_fork_server()) as fork_server:
        (first, _one), (second, _two) = fork_server.fork(), fork_server.fork()
        assert parent_of(first) == parent_of(second) != os.getpid()
        assert fork_server.end(first)
        assert gone(first)
        assert not gone(second, 0.1)
        assert fork_server.end(first), "again, when its number may be another's"
        assert fork_server.end(os.getpid()), "no child of its own is left alone"
    assert gone(second)
    assert not fork_server.end(second)


def test_a_fork_server_that_is_gone_is_started_again():
    with closing(worker_fork_server()) as fork_server:
        child, _connection = fork_server.fork()
        os.kill(parent_of(child), signal.SIGKILL)
        assert gone(child)
        again, _connection = fork_server.fork()
        assert not gone(again, 0.1)


def test_one_that_ends_while_it_prepares_is_named():
    with (
        closing(worker_fork_server(partial(os._exit, 1))) as fork_server,
        pytest.raises(OSError, match="copied from ends"),
    ):
        fork_server.fork()


def test_all_end_with_the_process_that_started_them():
    code = (
        "from padstal.ingest.supervised_worker import worker_fork_server; import os, time\n"
        "server = worker_fork_server(); child, connection = server.fork()\n"
        "print(child, flush=True)\n"
        "connection.send((eval, \"__import__('ctypes').PyDLL(None).pause()\"))\n"
        "time.sleep(100)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    parent = parent_of(child)
    process.kill()
    process.wait()
    process.stdout.close()
    assert gone(child)
    assert gone(parent)
