"""A stage that reads a folder with outputs of several stages is brought up to date where data are missing, too."""

import shutil
from pathlib import Path

import pytest
from flows.repro import changed_deps, changed_stages, repro
from tests.flows.dvc_here import dvc_here
from tests.flows.tiny import make_repo

from padstal.core.dvc_lock import stages_here

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_dvc_here")]

GATHERING = """\
stages:
  part:
    matrix: {item: [x, y]}
    cmd: mkdir -p parts/${item.item} && cat text > parts/${item.item}/file
    deps: [text]
    outs: ["parts/${item.item}"]
  whole:
    cmd: cat parts/*/file > whole && date +%N >> ran
    deps: [parts]
    outs: [whole]
"""


def dvc(root: Path, *arguments: str) -> None:
    done = dvc_here(root, arguments, lambda _: None)
    assert done.code == 0, done.lines


def made(root: Path) -> Path:
    make_repo(root, GATHERING)
    (root / ".gitignore").write_text("/parts\n")  # else DVC writes one into the folder, and it is of the folder then
    (root / "text").write_text("one")
    dvc(root, "remote", "add", "-d", "away", str(root.parent / "remote"))
    dvc(root, "repro")
    dvc(root, "push")
    return root


def runs(root: Path) -> int:
    return len((root / "ran").read_text().split())


def stale(root: Path) -> set[str]:
    return set(changed_stages(root, lambda _: None, ["part@x", "part@y", "whole"], False))


def test_nothing_runs_again_because_the_folder_is_not_here_or_partly(tmp_path: Path) -> None:
    root = made(tmp_path / "repo")
    for gone in ("parts", "parts/x"):
        shutil.rmtree(root / gone)
        assert stale(root) == (set() if gone == "parts" else {"whole"})  # DVC compares a folder that is partly here
        assert repro("whole", root, lambda _: None, pull=True).result == "up to date"
        assert runs(root) == 1
        dvc(root, "checkout")


LOST = (("whole runs", "whole"), ("part@y runs", "parts/y"), ("part@x runs", "parts/x"))


def test_what_can_be_had_nowhere_is_made_again_where_it_is_needed(tmp_path: Path) -> None:
    root = made(tmp_path / "repo")
    for folder in (root / "parts", root / ".dvc" / "cache", root.parent / "remote"):
        shutil.rmtree(folder)
    (root / "whole").unlink()
    stages = ["part@x", "part@y", "whole"]
    said: list[str] = []
    assert changed_stages(root, said.append, stages, False, kept=["whole"]) == set(stages)
    assert said == [f"{name} again: neither the cache nor the DVC remote has {path}" for name, path in LOST]
    assert [repro(stage, root, said.append, pull=True).result for stage in stages] == ["ran"] * 3
    assert (root / "whole").read_text() == "oneone"
    assert changed_stages(root, said.append, stages, False, kept=["whole"]) == set()


def test_what_another_machine_wrote_anew_is_fetched_and_read(tmp_path: Path) -> None:
    root = made(tmp_path / "repo")
    (root / "text").write_text("two")
    dvc(root, "repro", "-s", "part@x", "part@y")
    dvc(root, "push")
    shutil.rmtree(root / "parts")
    shutil.rmtree(root / ".dvc" / "cache")
    assert set(changed_deps(root, stages_here(root), "whole")) == {"parts/x", "parts/y"}
    assert stale(root) == {"whole"}
    repro("whole", root, lambda _: None, pull=True)
    assert (root / "whole").read_text() == "twotwo"
    assert runs(root) == 2
