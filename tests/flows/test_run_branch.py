"""A run's branch only grows, and where two have added to it, the records of both stay."""

import subprocess
from pathlib import Path

import pytest
import yaml
from flows.workspace import set_author

from flows import run_branch
from padstal.core.git import GitError, git

BRANCH = "retrain/0123"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_branch, "PUSH_SECONDS", 0.0)


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of a bare repository, both on the run's branch."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    one, two = tmp_path / "one", tmp_path / "two"
    clone(origin, one)
    put(one, {"code.py": "1", "data/demo/sources.json": "old", "gone.py": "x"}, {"ingest": 1, "train": 1})
    git(one, "push", "-q", "origin", "HEAD:main")
    git(one, "push", "-q", "origin", f"HEAD:{BRANCH}")
    clone(origin, two)
    git(two, "checkout", "-q", "-b", BRANCH, "origin/main")
    run_branch.fetch(one)
    return one, two


def clone(origin: Path, into: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(origin), str(into)], check=True, capture_output=True)
    set_author(into)


def put(root: Path, files: dict[str, str], stages: dict[str, int] | None = None) -> str:
    """Write files and entries of dvc.lock, and commit them."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if stages is not None:
        entries = {stage: {"cmd": stage, "md5": number} for stage, number in stages.items()}
        (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": entries}))
    run_branch.commit_all(root, "more")
    return run_branch.head(root)


def locked(root: Path) -> dict[str, int]:
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    return {stage: entry["md5"] for stage, entry in stages.items()}


def test_nothing_is_committed_where_nothing_changed(clones: tuple[Path, Path]) -> None:
    one, _ = clones
    before = run_branch.head(one)
    assert not run_branch.commit_all(one, "nothing")
    assert run_branch.head(one) == before


def test_a_lost_race_is_joined_with_the_records_of_both(clones: tuple[Path, Path]) -> None:
    one, two = clones
    theirs = put(two, {"reports/vae.json": "two"}, {"ingest": 1, "train": 2})
    run_branch.push(two, BRANCH)
    ours = put(one, {"reports/score.json": "one"}, {"ingest": 3, "train": 1, "score": 3})
    said: list[str] = []
    run_branch.push(one, BRANCH, said.append)
    assert "moved on" in said[0]
    assert locked(one) == {"ingest": 3, "train": 2, "score": 3}
    assert (one / "reports/vae.json").read_text() == "two"
    assert (one / "reports/score.json").read_text() == "one"
    pushed = git(one, "ls-remote", "origin", f"refs/heads/{BRANCH}").split()[0]
    assert pushed == run_branch.head(one)
    for commit in (ours, theirs):
        git(one, "merge-base", "--is-ancestor", commit, pushed)


def test_a_branch_that_is_only_ahead_is_taken_as_it_is(clones: tuple[Path, Path]) -> None:
    one, two = clones
    theirs = put(two, {"reports/vae.json": "two"})
    run_branch.push(two, BRANCH)
    run_branch.fetch(one)
    run_branch.join(one, f"origin/{BRANCH}")
    assert run_branch.head(one) == theirs
    run_branch.join(one, "origin/main")  # behind
    assert run_branch.head(one) == theirs


def test_newer_code_comes_in_and_the_runs_records_stay(clones: tuple[Path, Path]) -> None:
    one, two = clones
    put(two, {"data/demo/sources.json": "new"}, {"ingest": 2, "train": 1})
    (one / "gone.py").unlink()
    put(one, {"code.py": "2", "reports/other.json": "x"}, {"ingest": 1, "train": 5})
    git(one, "push", "-q", "origin", "HEAD:main")
    run_branch.fetch(two)
    run_branch.join(two, "origin/main")
    assert (two / "code.py").read_text() == "2"
    assert not (two / "gone.py").exists()
    assert (two / "data/demo/sources.json").read_text() == "new"
    assert locked(two) == {"ingest": 2, "train": 5}
    assert git(two, "status", "--porcelain") == ""


def test_a_file_that_the_run_removed_stays_away(clones: tuple[Path, Path]) -> None:
    one, two = clones
    (two / "gone.py").unlink()
    put(two, {})
    put(one, {"code.py": "2"})
    git(one, "push", "-q", "origin", "HEAD:main")
    run_branch.fetch(two)
    run_branch.join(two, "origin/main")
    assert not (two / "gone.py").exists()


def test_a_push_that_is_refused_for_good_is_not_tried_again(clones: tuple[Path, Path]) -> None:
    one, _ = clones
    hook = Path(git(one, "remote", "get-url", "origin"), "hooks", "pre-receive")
    hook.write_text("#!/bin/sh\necho called >> calls\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    put(one, {"code.py": "2"})
    with pytest.raises(GitError, match="protected"):
        run_branch.push(one, BRANCH)
    assert (hook.parents[1] / "calls").read_text() == "called\n"


def test_records_are_told_from_code(clones: tuple[Path, Path]) -> None:
    one, _ = clones
    start = run_branch.head(one)
    records = put(one, {"reports/demo/a.json": "1", "data/demo/sources.json": "2"}, {"ingest": 9})
    code = put(one, {"code.py": "2"})
    assert run_branch.only_records(one, start, records)
    assert not run_branch.only_records(one, start, code)
    assert not run_branch.only_records(one, records, start)
