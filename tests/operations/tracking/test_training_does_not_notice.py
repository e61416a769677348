"""Whatever becomes of W&B (no name, no server, one that hangs or dies, a full disk), the work gives the same bytes.

It takes longer by no more than the two limits of `tracking.run`, here made small: one for starting, one for ending.
"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.operations.tracking.wandb_server import Wandb, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONNECT, FINISH = 2.0, 1.5
BUSY = 15.0
"""Seconds that W&B's own service may take beyond that; on a busy machine, more by how long a record takes there."""
TRAINS = """
import os, random, sys, time
import numpy as np
from pathlib import Path
from padstal.operations.tracking import run as tracking
tracking.CONNECT_SECONDS, tracking.FINISH_SECONDS = CONNECT, FINISH
started = time.monotonic()
random.seed(7), np.random.seed(7)  # a record that drew from these would change the work
weights = np.random.standard_normal(1000)
with tracking.track("train_vae@tal", {"lr": 1}, mode=sys.argv[1], project="p", folder=Path("wandb")) as record:
    print("begun", flush=True)
    sys.stdin.readline()
    for step in range(300):
        weights = np.tanh(weights + random.random() * np.random.standard_normal(1000))
        record.log({"loss": float(np.square(weights).mean())}, step)
    record.output_artifact("tal", Path("input"))
Path("weights.bin").write_bytes(weights.tobytes())
print(f"{time.monotonic() - started:.2f}", flush=True)
""".replace("CONNECT, FINISH\n", f"{CONNECT}, {FINISH}\n")


def _work(
    folder: Path,
    mode: str,
    address: str = "",
    between: Callable[[], None] = lambda: None,
    before: Callable[[], None] | None = None,
) -> tuple[bytes, float, str]:
    """What the work gave, its wall time in seconds, and what it said; `between` happens after the record began."""
    (folder / "input").mkdir(parents=True)
    (folder / "input" / "x").write_text("x")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WANDB_API_KEY": "c" * 40,
        "WANDB_CONFIG_DIR": str(folder / "home"),
        **({"WANDB_BASE_URL": address} if address else {}),
    }
    # a service of this process (an earlier test's) would write the record in the place of the child's own
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_MODE", "WANDB_HTTP_TIMEOUT", "WANDB_SERVICE"):
        environment.pop(name, None)
    work = subprocess.Popen(
        [sys.executable, "-c", TRAINS, mode],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )
    assert work.stdout is not None
    assert work.stdout.readline() == "begun\n"
    between()
    said, told = work.communicate("go on\n", timeout=300)
    assert work.returncode == 0, told
    return (folder / "weights.bin").read_bytes(), float(said), told


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """What the work gives without a record, and the seconds that are no surprise: thrice those with one on disk."""
    given, _, told = _work(tmp_path_factory.mktemp("alone") / "work", "disabled")
    assert told == ""
    same, took, told = _work(tmp_path_factory.mktemp("offline") / "work", "offline")
    assert told == ""
    assert same == given
    return given, 3 * took + BUSY


@contextmanager
def _silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("trouble", ["no such name", "refused", "silent"])
def test_a_server_that_is_not_there_costs_a_start_and_the_record_is_kept(
    trouble: str, alone: tuple[bytes, float], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        address = {
            "no such name": lambda: "http://no-such-host.invalid",
            "refused": lambda: "http://127.0.0.1:9",
            "silent": lambda: stack.enter_context(_silent()),
        }[trouble]()
        given, took, told = _work(tmp_path / "work", "online", address)
    assert given == alone[0]
    assert took < alone[1] + CONNECT
    assert "recording offline" in told
    [kept] = (tmp_path / "work" / "wandb").glob("offline-run-*/*.wandb")
    assert kept.stat().st_size > 10_000


@pytest.mark.parametrize("trouble", ["dies", "hangs", "refuses"])
def test_a_server_that_fails_midway_costs_an_end_and_nothing_is_lost(
    trouble: str, alone: tuple[bytes, float], tmp_path: Path
) -> None:
    hold = threading.Event()
    wandb = Wandb()

    def fail(_: str) -> bool:
        if trouble == "hangs":
            hold.wait(120)
        return True

    try:
        with ExitStack() as stack:
            stack.enter_context(served(wandb))

            def between() -> None:
                if trouble == "dies":
                    stack.close()
                else:
                    wandb.refuse = fail

            given, took, told = _work(tmp_path / "work", "online", wandb.address, between)
            assert "upsertBucket" in wandb.asked, told
            hold.set()
    finally:
        hold.set()
    assert given == alone[0]
    assert took < alone[1] + CONNECT + FINISH
    assert "Traceback" not in told
    [kept] = (tmp_path / "work" / "wandb").glob("run-*/run-*.wandb")
    _wait_until(lambda: kept.read_bytes().count(b"loss") >= 300)


def test_a_full_disk_costs_the_record_and_nothing_else(alone: tuple[bytes, float], tmp_path: Path) -> None:
    def little_room() -> None:
        """No file of this process and its children may grow beyond 16 KiB: what a full disk does to W&B's log."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, 16 * 1024))

    given, took, _ = _work(tmp_path / "work", "offline", before=little_room)
    assert given == alone[0], "the result itself has 8,000 bytes"
    assert took < alone[1]
    for log in (tmp_path / "work" / "wandb").glob("offline-run-*/*.wandb"):
        assert log.stat().st_size <= 16 * 1024


def test_a_folder_that_cannot_be_written_costs_one_line(alone: tuple[bytes, float], tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "wandb").write_text("a file where W&B wants its folder")
    given, took, told = _work(tmp_path / "work", "offline")
    assert given == alone[0]
    assert took < alone[1]
    assert told.count("tracking:") >= 1
    shutil.rmtree(tmp_path / "work")


def _wait_until(reached: Callable[[], bool]) -> None:
    """W&B's service outlives the process that used it, and writes what it still holds."""
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.1)
