"""Continuous integration has the least rights, and every action is pinned to a commit."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.repository import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_nothing_that_a_job_does_not_ask_for(file: Path) -> None:
    content = _read(file)
    assert content["permissions"] == {}
    for name, job in content["jobs"].items():
        assert job["permissions"] == {"contents": "read"}, name
        assert job["timeout-minutes"] <= 60, name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_and_keeps_no_credentials(file: Path) -> None:
    steps = [step for job in _read(file)["jobs"].values() for step in job["steps"]]
    for step in steps:
        if "uses" in step:
            assert PINNED.fullmatch(step["uses"]), step["uses"]
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", ""), "an expression in a script is an injection; pass it by env"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_code_of_a_pull_request_never_runs_with_rights(file: Path) -> None:
    triggers = _read(file)[True]  # YAML reads `on` as true
    assert not {"pull_request_target", "workflow_run"} & set(triggers)
