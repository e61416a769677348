"""What a run asks of DVC is done, nothing of it is left behind, and a stage has time to save itself."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flows.failure import FailureKind, StageFailedError
from flows.repro import changed_stages, repro
from tests.flows.tiny import CHAIN, gone, make_repo

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEAVES_SOMEBODY = """
import subprocess
left = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
open("out", "w").write(str(left.pid))
"""
SAVES_ITSELF = """
import os, signal, subprocess, sys, time
def save(*_):
    time.sleep(0.5); open("saved", "a").write("x"); sys.exit(1)
signal.signal(signal.SIGTERM, save)
child = subprocess.Popen(["sleep", "600"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
while True: time.sleep(1)
"""


def _silent(_: str) -> None:
    pass


def _pids(root: Path) -> list[int]:
    file = root / "pids"
    deadline = time.monotonic() + 120
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return [int(word) for word in file.read_text().split()]


@pytest.mark.usefixtures("_dvc_here")
def test_stages_are_brought_up_to_date_and_what_changed_is_told(tmp_path: Path) -> None:
    root = make_repo(tmp_path, CHAIN)
    stages = ("first", "middle@x", "middle@y", "last")
    assert changed_stages(root, _silent, stages, here=True) == set(stages)
    assert changed_stages(root, _silent, stages, here=False) == set(stages)
    assert [repro(stage, root, _silent).result for stage in stages] == ["ran"] * 4
    assert [repro(stage, root, _silent).result for stage in stages] == ["up to date"] * 4
    assert changed_stages(root, _silent, stages, here=True) == set()
    (root / "b_x").unlink()
    assert changed_stages(root, _silent, stages, here=True) == {"middle@x", "last"}
    assert changed_stages(root, _silent, stages, here=False) == set()


@pytest.mark.usefixtures("_dvc_here")
def test_where_data_are_missing_the_lock_tells_that_what_a_stage_reads_was_written_anew(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "here", CHAIN)
    for stage in ("first", "middle@x", "middle@y", "last"):
        repro(stage, root, _silent)
    file = root / "dvc.yaml"
    file.write_text(file.read_text().replace("write('a')", "write('new')"))
    repro("first", root, _silent)
    for data in ("a", "b_x", "b_y", "last"):
        (root / data).unlink()
    assert changed_stages(root, _silent, ["first", "middle@x", "last"], here=False) == {"middle@x"}
    assert repro("middle@x", root, _silent, True).result == "ran"
    assert (root / "b_x").read_text() == "newx"
    assert changed_stages(root, _silent, ["middle@x", "middle@y", "last"], here=False) == {"middle@y", "last"}
    (root / "a").unlink()
    shutil.rmtree(root / ".dvc" / "cache")
    with pytest.raises(StageFailedError) as failure:
        repro("middle@y", root, _silent, True)
    assert failure.value.stage == "middle@y"


def test_who_a_stage_leaves_behind_is_ended_and_the_next_command_works(tmp_path: Path) -> None:
    root = make_repo(tmp_path, script=LEAVES_SOMEBODY)
    assert repro("first", root, _silent).result == "ran"
    assert gone(int((root / "out").read_text()))
    assert repro("first", root, _silent).result == "up to date"


def test_a_stage_that_takes_too_long_may_save_itself_and_is_ended_with_its_children(tmp_path: Path) -> None:
    root = make_repo(tmp_path, script=SAVES_ITSELF)
    with pytest.raises(StageFailedError) as failure:
        repro("first", root, _silent, timeout_seconds=15.0)
    assert failure.value.kind is FailureKind.TIME
    assert all(gone(pid) for pid in _pids(root))
    assert (root / "saved").read_text() == "x"


@pytest.mark.skipif(sys.platform != "linux", reason="the parent death signal is Linux's")
def test_a_killed_flow_takes_its_stage_along_which_may_save_itself(tmp_path: Path) -> None:
    root = make_repo(tmp_path, script=SAVES_ITSELF)
    code = f"from pathlib import Path; from flows.repro import repro; repro('first', Path({str(root)!r}), print)"
    flow = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL)
    pids = _pids(root)
    os.kill(flow.pid, signal.SIGKILL)
    flow.wait()
    assert all(gone(pid) for pid in pids)
    assert (root / "saved").read_text() == "x"
