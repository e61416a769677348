"""What GitHub would run on a pull request runs here: the steps of reproduce.yml, then comment.yml's on what they left.

The pipeline itself is replaced by its finished outputs: `dvc repro` is a script that puts them there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.commands.forge import REPOSITORY, SHA, Forge, served
from tests.end_to_end.tiny import BIN, ROOT, change_params, make_copy
from tests.reporting.comparison.revisions import commit, git
from tests.reporting.finished import write_finished_scale

from padstal.reporting.compose import PLACEHOLDER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

METRICS = Path("reports") / "demo" / "metrics"
DVC = """#!/usr/bin/env bash
set -eu
case "$*" in
  repro) ;;
  "config --local cache.dir "*) exit ;;
  *) echo "dvc $*: not expected here" >&2; exit 2 ;;
esac
case "$PWD" in
  */.workspaces/reproduced-base) cp -r "OUTPUTS"-base/. . ;;
  *) cp -r "OUTPUTS"/. . ;;
esac
"""


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A checkout as GitHub makes it: the merge of a pull request into its base; the pipeline has not run yet."""
    root = make_copy(tmp_path / "repo")
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    write_finished_scale(outputs)
    (outputs / "params.yaml").unlink()
    (outputs / "reports" / "demo" / "page.html").write_text(f"<html>{PLACEHOLDER}</html>")
    shutil.copytree(outputs / METRICS, root / METRICS)
    for name in ("Makefile", "requirements.lock", ".github", "scripts"):
        source = ROOT / name
        shutil.copytree(source, root / name) if source.is_dir() else shutil.copy(source, root / name)
    _environment(root, outputs)
    git(root, "checkout", "-q", "-b", "main")
    commit(root, {}, "The base")
    git(root, "checkout", "-q", "-b", "topic")
    change_params(root, {"sample": {"prompt_seed": 99}})
    commit(root, {}, "Draw other prompts")
    git(root, "checkout", "-q", "main")
    git(
        root,
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.invalid",
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "Merge",
        "topic",
    )
    shutil.copytree(outputs, tmp_path / "outputs-base")
    evaluated = json.loads((outputs / METRICS / "evaluate.json").read_text())
    row = next(row for row in evaluated["rows"] if (row["system"], row["method"]) == ("tal_dit", "pads"))
    row["vendi"], row["intervals"]["vendi"] = 99.0, [98.0, 100.0]
    (outputs / METRICS / "evaluate.json").write_text(json.dumps(evaluated))
    return root


def _environment(root: Path, outputs: Path) -> None:
    """A `.venv` that `make setup` finds ready: this environment's programs, and a stand-in for dvc."""
    folder = root / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    (folder / "padstal").symlink_to(BIN / "padstal")
    (folder / "dvc").write_text(DVC.replace("OUTPUTS", str(outputs)))
    (folder / "dvc").chmod(0o755)
    (root / ".venv" / ".ready").touch()


def _run_steps(root: Path, workflow: str, environment: dict[str, str]) -> str:
    """Run the `run:` steps of the one job of `workflow` as a runner's shell does; what they said."""
    [job] = yaml.safe_load((root / ".github" / "workflows" / workflow).read_text())["jobs"].values()
    steps: list[dict[str, Any]] = [step for step in job["steps"] if "run" in step]
    said = ""
    for step in steps:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root / "src"), "CI": "true", **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{step['run']}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        said += done.stdout
    return said


def test_a_pull_request_is_reproduced_compared_and_commented(merged: Path, tmp_path: Path) -> None:
    said = _run_steps(merged, "reproduce.yml", {})
    assert "report: reports/demo/index.html" in said
    left = merged / "comparison"
    local = (left / "comment.md").read_text()
    assert "against reproduced-base" in local
    [reproduced] = git(merged, "log", "-1", "--format=%s", "reproduced-base").splitlines()
    assert reproduced == "Reproduce HEAD^1 here"
    assert not (merged / ".workspaces" / "reproduced-base").exists()
    assert "| sample.prompt\\_seed |" in local
    assert "🟢 better" in local
    assert (left / "plots" / "vendi.svg").is_file()
    assert list((left / "audio").glob("*.mp3")) == [], "the base's samples are in no cache here"

    event = {
        "id": 99,
        "event": "pull_request",
        "path": ".github/workflows/reproduce.yml",
        "conclusion": "success",
        "head_sha": SHA,
        "head_branch": "topic",
        "head_repository": {"full_name": "stranger/fork"},
        "repository": {"full_name": REPOSITORY},
    }
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": event}))
    downloaded = tmp_path / "runner" / "comparison"  # by the step that `uses: actions/download-artifact`
    shutil.copytree(left, downloaded)
    with served(Forge()) as forge:
        environment = {
            "GITHUB_API_URL": forge.api,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_TOKEN": "token",
            "RUNNER_TEMP": str(tmp_path / "runner"),
        }
        assert "#7: comment written" in _run_steps(merged, "comment.yml", environment)
    [written] = forge.comments
    assert "| TAL DiT · PADS | Vendi ↑ |" in written["body"]
    assert "plots/" not in written["body"]
    assert "<script>" not in written["body"]
