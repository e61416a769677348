"""A `dvc.lock` that a kill left damaged is repaired from the last good copy, or git."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.flows.tiny import CHAIN, DVC, make_repo
from tests.operations.integrity.kept import Kept, make

from padstal.core.dvc_lock import LockedStage, LockError, read_lock
from padstal.operations.integrity.lock_repair import guard_lock, torn_files

KILLED = """\
import os, signal, sys
import dvc.utils.serialize._yaml as serialize
from dvc.cli import main

written, whole = int(sys.argv[1]), serialize._dump

def dump(data, stream):
    if str(stream.name).endswith("dvc.lock") and "middle@x" in data["stages"]:
        whole(data, stream)
        stream.flush()
        stream.truncate(written)
        os.kill(os.getpid(), signal.SIGKILL)
    whole(data, stream)

serialize._dump = dump
main(["repro", "-q", "-s", "first", "middle@x"])
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return make(tmp_path_factory.mktemp("kept") / "repository", files=4, folders=2, in_folder=2)


def _stages(root: Path) -> dict[str, LockedStage]:
    return read_lock((root / "dvc.lock").read_text())


def _guarded(root: Path) -> str:
    said: list[str] = []
    guard_lock(root, said.append)
    return "".join(said)


def test_wherever_the_write_was_cut_the_lock_names_all_that_it_named(repository: Kept) -> None:
    root = repository.root
    lock = root / "dvc.lock"
    whole = lock.read_bytes()
    assert _guarded(root) == ""
    before = _stages(root)
    readable = 0
    for cut in range(0, len(whole) - 1, 13):
        lock.write_bytes(whole[:cut])
        damaged = torn_files(root)
        said = _guarded(root)
        assert bool(said) == bool(damaged)
        if damaged:
            assert _stages(root) == before, cut
        readable += not damaged
        lock.write_bytes(whole)
        guard_lock(root)
    assert readable < len(whole) / 13 / 4, "only a cut at the end of a line can pass, and DVC then asks its run-cache"
    assert list((Path(repository.cache.base) / "quarantine").glob("dvc.lock.*")), "the torn ones are kept"


def test_without_a_copy_git_has_the_last_one(tmp_path: Path) -> None:
    kept = make(tmp_path / "repository", files=3, folders=0, in_folder=0)
    before = _stages(kept.root)
    git = ["git", "-C", str(kept.root), "-c", "user.name=x", "-c", "user.email=x"]
    subprocess.run([*git, "add", "dvc.lock"], check=True)
    subprocess.run([*git, "commit", "-qm", "Lock"], check=True)
    (kept.root / "dvc.lock").write_bytes(b"")
    assert "3 stages of commit" in _guarded(kept.root)
    assert _stages(kept.root) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0" * 100,
        "schema: '2.0'\nstages:\n  a:\n    cmd: [",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x",
        "<<<<<<< HEAD\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n  b:\n    cmd: x\n  a:\n    cmd: y\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: 2024-13-45\n",
        "stages: {}\n",
        "schema: '1.0'\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: p\n      md5: 12\n",
    ],
)
def test_what_dvc_cannot_read_is_no_lock(text: str) -> None:
    with pytest.raises(LockError):
        read_lock(text)


def test_a_torn_list_of_paths_in_use_is_moved_aside(repository: Kept) -> None:
    file = repository.root / ".dvc" / "tmp" / "rwlock"
    file.write_text('{"write": {"/a"')
    assert list(torn_files(repository.root)) == [".dvc/tmp/rwlock"]
    assert "DVC begins a new one" in _guarded(repository.root)
    assert torn_files(repository.root) == {}
    assert not file.exists()


@pytest.mark.slow
@pytest.mark.parametrize("written", [0, 150])
def test_dvc_killed_while_it_writes_the_lock_costs_no_stage(tmp_path: Path, written: int) -> None:
    from flows.repro import repro

    root = make_repo(tmp_path, CHAIN)
    done = subprocess.run([sys.executable, "-c", KILLED, str(written)], cwd=root, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert os.path.getsize(root / "dvc.lock") == written
    refused = subprocess.run([*DVC, "status"], cwd=root, capture_output=True, text=True)
    assert refused.returncode != 0 or written, "if DVC mends it by itself one day, this guard can go"
    said: list[str] = []
    assert repro("middle@x", root, said.append).result in ("from cache", "up to date")
    assert any("dvc.lock was damaged" in line for line in said)
    assert "middle@x" in _stages(root)
