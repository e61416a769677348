"""The two commands of docs/scaling.md start a Dask cluster that does audio work, and contains what crashes."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from padstal.ingest.worker_pool import Workers, ordered_map

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CRASH = "__import__('os')._exit(1)"
WHO = "(__import__('os').getppid(), __import__('time').sleep(0.05))[0]"


def commands() -> tuple[list[str], list[str]]:
    """The scheduler's and the worker's, as the page has them."""
    lines = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8").splitlines()
    [scheduler] = [shlex.split(line) for line in lines if " dask scheduler " in line and not line.startswith("#")]
    [worker] = [shlex.split(line) for line in lines if line.startswith("dask worker ")]
    return scheduler, worker


def start(words: list[str], replaced: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    variables = dict(word.split("=", 1) for word in words if "=" in word and word.partition("=")[0].isupper())
    command = [replaced.get(word, word) for word in words if word.partition("=")[0] not in variables]
    assert command[0] == "dask"
    program = Path(sys.executable).with_name("dask")
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT / "src")}
    with (folder / f"{command[1]}.log").open("wb") as log:
        return subprocess.Popen(
            [str(program), *command[1:]], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = f"tcp://127.0.0.1:{port}"
    replaced = {
        "10.0.0.1": "127.0.0.1",
        "8786": str(port),
        "tcp://10.0.0.1:8786": here,
        "8": "2",
        "4GiB": "1GiB",
        "/tmp/padstal-dask": str(tmp_path / "dask"),
    }
    scheduler, worker = commands()
    started = [start(scheduler, replaced, tmp_path)]
    try:
        until = time.monotonic() + 100
        while time.monotonic() < until and here not in (tmp_path / "scheduler.log").read_text(encoding="utf-8"):
            time.sleep(0.2)
        started.append(start(worker, replaced, tmp_path))
        from distributed import Client

        with Client(here, timeout=100) as client:
            client.wait_for_workers(2, timeout=100)
        yield here
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(60)


def test_work_goes_through_the_cluster_in_order_and_a_crash_is_one_items_alone(address: str) -> None:
    items = [f"{number} * 2" for number in range(20)]
    items[7] = CRASH
    found = list(ordered_map(eval, items, workers=Workers(1, "dask", address), lost=lambda item, hung: "crashed"))
    assert found == ["crashed" if number == 7 else 2 * number for number in range(20)]
    workers = set(ordered_map(eval, [WHO] * 64, workers=Workers(1, "dask", address)))
    assert len(workers) == 2
