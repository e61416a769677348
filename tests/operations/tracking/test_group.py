"""Stages that DVC starts one by one agree on their group; another commit or other params are another group."""

import subprocess
from pathlib import Path

import pytest

from padstal.operations.tracking.group import run_group

PARAMS = "scale: demo\nscales:\n  demo: {lr: %s}\n  study: {lr: %s}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PADSTAL_RUN_GROUP", raising=False)
    (tmp_path / "params.yaml").write_text(PARAMS % (1, 1))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    _commit(tmp_path)
    return tmp_path


def _commit(root: Path) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], cwd=root, check=True)


def test_it_moves_with_the_commit_and_the_active_params_and_with_nothing_else(repository: Path) -> None:
    first = run_group(repository)
    (repository / "params.yaml").write_text("# a comment\n" + PARAMS % (1, 2))
    assert run_group(repository) == first
    (repository / "params.yaml").write_text(PARAMS % (2, 2))
    second = run_group(repository)
    assert second.split("-")[0] == first.split("-")[0]
    assert second != first
    _commit(repository)
    assert run_group(repository).split("-")[1] == second.split("-")[1]
    assert run_group(repository) != second


def test_who_starts_a_pipeline_run_names_it(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADSTAL_RUN_GROUP", " retrain/ab 12 " + "x" * 200)
    assert run_group(repository).startswith("retrain-ab-12-xxx")
    assert len(run_group(repository)) == 128


def test_all_stages_of_a_retraining_share_its_branch_s_name(repository: Path) -> None:
    subprocess.run(["git", "checkout", "-q", "-b", "retrain/ab12"], cwd=repository, check=True)
    assert run_group(repository) == "retrain-ab12"
    _commit(repository)
    assert run_group(repository) == "retrain-ab12"


def test_without_git_and_params_there_is_still_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PADSTAL_RUN_GROUP", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run_group(tmp_path) == "no-revision-no-param"
