"""A champion is what the newest tag points at, with the content that `dvc.lock` had there."""

import subprocess
from pathlib import Path

from padstal.operations.tracking.champions import champions

DVC = "artifacts:\n  tal-vae: {path: 'models/${scale}/vae/tal', type: model}\n"
LOCK = "stages: {train: {cmd: t, outs: [{path: models/demo/vae/tal, md5: %s.dir, size: 1, nfiles: 1}]}}\n"


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True)


def _commit(root: Path, md5: str, tag: str) -> None:
    (root / "dvc.lock").write_text(LOCK % md5)
    _git(root, "add", ".")
    _git(root, "commit", "-qm", md5)
    _git(root, "tag", "-am", "promoted", tag)


def test_the_highest_number_rules_and_a_rollback_is_a_newer_tag_on_an_older_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "dvc.yaml").write_text(DVC)
    (tmp_path / "params.yaml").write_text("scale: demo\n")
    _commit(tmp_path, "a" * 32, "tal-vae#champion#9")
    _commit(tmp_path, "b" * 32, "tal-vae#champion#10")
    assert {model: one.md5 for model, one in champions(tmp_path).items()} == {"tal-vae": "b" * 32 + ".dir"}
    _git(tmp_path, "tag", "-am", "rolled back", "tal-vae#champion#11", "HEAD~1")
    _git(tmp_path, "tag", "tal-vae@v1.0.0")
    _git(tmp_path, "tag", "tal-vae#staging#12")
    assert champions(tmp_path)["tal-vae"].md5 == "a" * 32 + ".dir"


def test_a_model_that_the_repository_does_not_declare_is_left_out(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _commit(tmp_path, "a" * 32, "other#champion#1")
    assert champions(tmp_path) == {}


def test_without_git_there_is_none(tmp_path: Path) -> None:
    assert champions(tmp_path) == {}
