"""A run's workspace is its own, shares what outlives it, goes when the run is over and stays when it failed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flows.workspace import SHARED, origin_of, shared_folder, workspace

from flows import workspace as module
from padstal.core.file_lock import BusyError, file_lock
from padstal.core.git import GitError, git

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import subprocess, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from padstal.core.file_lock import file_lock
from flows.child import run_child
with file_lock(Path({lock!r})):
    run_child({child!r}, Path("."), {{"PATH": "/usr/bin:/bin"}}, lambda line: print(line, flush=True))
"""


def run(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"] if command[0] == "git" else []
    return subprocess.run(
        [command[0], *identity, *command[1:]], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout with two commits, and its bare origin beside it."""
    origin, home = tmp_path / "origin.git", tmp_path / "home"
    run(tmp_path, "git", "init", "-q", "--bare", "-b", "main", str(origin))
    run(tmp_path, "git", "clone", "-q", str(origin), str(home))
    (home / ".dvc").mkdir()
    (home / ".dvc" / "config").write_text(
        "['remote \"here\"']\n    url = remote\n['remote \"far\"']\n    url = s3://b/p\n"
    )
    (home / ".gitignore").write_text(".state/\nwandb/\n")
    for number in ("one", "two"):
        (home / "file").write_text(number)
        run(home, "git", "add", "--all")
        run(home, "git", "commit", "-q", "-m", number)
    run(home, "git", "push", "-q", "origin", "HEAD:main")
    return home


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PADSTAL_WORKSPACES", str(tmp_path / "workspaces"))
    return tmp_path / "workspaces"


def test_it_is_a_clean_clone_at_the_wanted_commit_and_goes_at_the_end(home: Path) -> None:
    first = run(home, "git", "rev-parse", "HEAD~1")
    with workspace("try", revision=first, home=home) as space:
        assert (space / "file").read_text() == "one"
        assert git(space, "rev-parse", "HEAD") == first
        assert git(space, "status", "--porcelain") == ""
        assert origin_of(space) == str(home.parent / "origin.git")
    assert not space.exists()
    assert not any(space.parents[1].iterdir())


def test_a_branch_of_origin_goes_before_what_the_checkout_has(home: Path) -> None:
    (home / "file").write_text("not pushed")
    run(home, "git", "commit", "-q", "-am", "three")
    (home / ".gitignore").write_text("changed")
    said: list[str] = []
    with workspace("try", revision="main", home=home, say=said.append) as space:
        assert (space / "file").read_text() == "two"
    assert (
        f"WARNING: {home} has changes of .gitignore that are not committed and 1 commits that are not pushed."
        in said[-1]
    )


def test_what_outlives_a_run_is_shared_by_all_and_no_change_to_git(home: Path) -> None:
    with workspace("one", home=home) as one, workspace("two", home=home) as two:
        for place in SHARED.values():
            (one / place / "kept").write_text("x")
            assert (two / place / "kept").exists()
        assert git(one, "status", "--porcelain") == ""
        assert one != two
    with workspace("three", home=home) as three:
        assert (three / ".state" / "kept").exists()


def test_the_cache_is_the_checkouts_and_a_remote_that_is_a_folder_stays_where_it_was(home: Path) -> None:
    from dvc.config import Config

    with workspace("try", home=home) as space:
        config = Config(str(space / ".dvc"))
        assert config["cache"]["dir"] == str(home / ".dvc" / "cache")
        assert config["remote"]["here"]["url"] == str(home / ".dvc" / "remote")
        assert config["remote"]["far"]["url"] == "s3://b/p"
        assert Path(config["core"]["site_cache_dir"]).parent == space.parent


def test_another_cache_is_named_by_a_variable(home: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.config import Config

    monkeypatch.setenv(module.CACHE_VARIABLE, str(base / "cache"))
    with workspace("try", home=home) as space:
        assert Config(str(space / ".dvc"))["cache"]["dir"] == str(base / "cache")


def test_the_workspace_of_a_failed_run_stays_until_the_next(home: Path) -> None:
    with contextlib.suppress(RuntimeError), workspace("try", home=home) as failed:
        raise RuntimeError("broken")
    assert failed.exists()
    with workspace("try", home=home):
        assert not failed.parent.exists()


def test_a_wrong_revision_is_named(home: Path) -> None:
    for wrong in ("nowhere", "--all"):
        with (
            pytest.raises(GitError, match=f"'{wrong}': no branch"),
            workspace("try", revision=wrong, home=home),
        ):
            pass


def test_a_killed_runs_workspace_is_swept_and_a_living_ones_is_not(home: Path, base: Path) -> None:
    shared = shared_folder(str(home.parent / "origin.git"), base)
    lock = shared / "runs" / "try-dead" / "lock"
    code = HOLD.format(root=str(ROOT), lock=str(lock), child=["/bin/sh", "-c", "echo up $$; sleep 60"])
    run_ = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert run_.stdout is not None
    child = int(run_.stdout.readline().split()[1])
    with workspace("try", home=home):
        assert lock.exists()
    run_.send_signal(signal.SIGKILL)
    run_.wait()
    run_.stdout.close()
    with workspace("try", home=home):
        assert lock.exists()  # the child that it left may still write there
    os.killpg(child, signal.SIGKILL)
    _until_free(lock)
    with workspace("try", home=home):
        assert not lock.parent.exists()


def _until_free(lock: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with file_lock(lock, wait=False):
                return
        except BusyError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_credentials_in_an_address_name_no_folder(base: Path) -> None:
    folders = {shared_folder(address, base) for address in ("https://me:secret@h/a/r.git", "https://h/a/r")}
    assert len(folders) == 1
    assert "secret" not in str(folders)
    assert shared_folder("https://h/b/r", base) not in folders


def test_a_held_lock_is_refused_where_nobody_waits(tmp_path: Path) -> None:
    with file_lock(tmp_path / "lock"), pytest.raises(BusyError, match="lock"), file_lock(tmp_path / "lock", wait=False):
        pass
    with file_lock(tmp_path / "lock", wait=False):
        pass
