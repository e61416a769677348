"""History holds every lock that any ref or log reaches, and reads promotions from tags as GTO writes them."""

import subprocess
from pathlib import Path

import pytest

from padstal.core.git import GitError
from padstal.operations.lineage.history import History, read_history

LOCK = """schema: '2.0'
stages:
  train_vae@tal:
    cmd: x
    deps:
    - {{path: data/demo/curate, md5: {number:032x}.dir}}
    outs:
    - {{path: models/demo/vae/tal, md5: {number:032x}.dir}}
"""


class _Git:
    def __init__(self, root: Path):
        self.root = root
        root.mkdir()
        self("init", "-q", "-b", "main")
        self("config", "user.email", "t@t")
        self("config", "user.name", "t")

    def __call__(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def lock(self, number: int) -> str:
        (self.root / "dvc.lock").write_text(LOCK.format(number=number))
        self("add", "-A")
        self("commit", "-qm", str(number))
        return self("rev-parse", "HEAD")


@pytest.fixture
def git(tmp_path: Path) -> _Git:
    made = _Git(tmp_path / "r")
    (made.root / "params.yaml").write_text("scale: demo\n")
    (made.root / "dvc.yaml").write_text("artifacts: {music: {path: 'models/${scale}/vae/tal', type: model}}\n")
    return made


def _numbers(history: History) -> set[int]:
    return {int(s.lock["train_vae@tal"].outs[0].md5.removesuffix(".dir"), 16) for s in history.snapshots}


def test_branches_merges_logs_and_the_workspace_all_count(git: _Git) -> None:
    first = git.lock(1)
    git("checkout", "-qb", "side")
    git.lock(2)
    git("checkout", "-q", "main")
    git.lock(3)
    git("merge", "-q", "-s", "ours", "side")
    (git.root / "dvc.lock").write_text(LOCK.format(number=4))  # a merge that resolved it as neither parent has it
    git("commit", "-qa", "--amend", "--no-edit")
    git.lock(5)
    git("reset", "-q", "--hard", first)  # 4 and 5 are in the log alone
    git("branch", "-qD", "side")
    (git.root / "dvc.lock").write_text(LOCK.format(number=6))
    history = read_history(git.root)
    assert _numbers(history) == {1, 2, 3, 4, 5, 6}
    assert [s.workspace for s in history.snapshots if not s.commits] == [True]


def test_the_highest_number_of_a_stage_counts_also_after_a_rollback(git: _Git) -> None:
    first, second = git.lock(1), git.lock(2)
    for name, commit in (("music@v1.0.0", first), ("music@v2.0.0", second), ("music#champion#1", first)):
        git("tag", "-a", name, commit, "-m", "x")
    git("tag", "-a", "music#champion#2", second, "-m", "x")
    git("tag", "-a", "music#champion#10", first, "-m", "rolled back")
    git("tag", "v0.1", second)
    promotions = {one.tag: one for one in read_history(git.root).promotions}
    assert sorted(promotions) == sorted({"music@v1.0.0", "music@v2.0.0", *(f"music#champion#{n}" for n in (1, 2, 10))})
    assert [one.tag for one in promotions.values() if one.current] == ["music#champion#10"]
    assert promotions["music#champion#10"].commit == first
    assert {one.path for one in promotions.values()} == {"models/demo/vae/tal"}


def test_a_shallow_clone_is_refused(git: _Git, tmp_path: Path) -> None:
    git.lock(1)
    git.lock(2)
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{git.root}", str(tmp_path / "s")], check=True)
    with pytest.raises(GitError, match="--unshallow"):
        read_history(tmp_path / "s")
