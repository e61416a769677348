"""Stages brought up to date in a workspace, their data pushed and their records committed to the run's branch."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows import run_branch
from flows.child import Outcome, run_child
from flows.dag import Dag
from flows.failure import FailureKind, StageFailedError, failure_kind, last_words
from flows.repro import Say, StageRun, changed_stages, child_environment, repro, transfer
from flows.workspace import HOME, Workspace
from padstal.core.git import GitError, git, succeeds
from padstal.core.params import check, read_yaml
from padstal.operations.config import OperationsParams

UP_TO_DATE = "up to date"
PADSTAL = (sys.executable, "-m", "padstal.cli")


RUN_BRANCH = re.compile(r"[a-z]+/[\w.-]+")
"""What a worker may push to; never the branch that runs start from."""


@dataclass(frozen=True)
class Steps:
    """What may fail and be tried again in one workspace: plain functions, or tasks of Prefect.

    Attributes:
        stage: Brings a stage up to date, pulling what it needs.
        changed: Which of these stages are out of date by themselves; the outputs of the second ones must be to be had.
        push: Puts the outputs of stages into the DVC remote.
        pull: Gets the outputs of stages; of none, all that `dvc.lock` names.
        push_branch: Pushes what is committed to a branch.
        padstal: Runs a `padstal` command; gives what it said.
    """

    stage: Callable[[str], StageRun]
    changed: Callable[[Sequence[str], Sequence[str]], frozenset[str]]
    push: Callable[[Sequence[str]], None]
    pull: Callable[[Sequence[str]], None]
    push_branch: Callable[[str], None]
    padstal: Callable[[Sequence[str]], tuple[str, ...]]


def plain_steps(
    root: Path, say: Say, *, force: bool = False, pull: bool = True, program: Sequence[str] = PADSTAL
) -> Steps:
    """Steps that are tried once.

    Args:
        root: The workspace.
        say: Gets each line of what they write.
        force: Run stages even if they are up to date.
        pull: Get from the DVC remote what stages need and is not here; what `dvc.lock` says is done need not be here.
        program: `padstal` and its first arguments.
    """
    operations, budget = read_operations(), _budget(root)

    def push_branch(branch: str) -> None:
        try:
            run_branch.push(root, branch, say)
        except GitError as error:
            kind = failure_kind(Outcome(1, tuple(str(error).splitlines())))
            raise StageFailedError("git push", kind, str(error)) from error

    return Steps(
        stage=lambda stage: repro(stage, root, force, say, pull, operations.limit_of(stage, budget)),
        changed=lambda stages, kept: changed_stages(root, say, stages, not pull, kept),
        push=lambda stages: transfer(root, "push", stages, say),
        pull=lambda stages: transfer(root, "pull", stages, say),
        push_branch=push_branch,
        padstal=lambda command: padstal(program, command, root, say, operations.limit_unbudgeted),
    )


def read_operations(root: Path = HOME) -> OperationsParams:
    """The section `operations` of a checkout's params.yaml; by default of the one that this code is part of."""
    return check(OperationsParams, read_yaml(root / "params.yaml").get("operations"), "operations")


def _budget(root: Path) -> dict[str, float]:
    """What stages should take in the repository at `root`, by name, in seconds; nothing where it does not say."""
    if not (root / "params.yaml").exists():
        return {}
    tree = read_yaml(root / "params.yaml")
    budget: dict[str, float] = tree.get("scales", {}).get(tree["scale"], {}).get("budget", {})
    return budget


@dataclass(frozen=True)
class Phases:
    """The stages of `dvc.yaml` in three parts, each in order.

    Attributes:
        before: What trains nothing and needs no trained model.
        training: From the first training to the last, with what lies between.
        after: The rest.
    """

    before: tuple[str, ...]
    training: tuple[str, ...]
    after: tuple[str, ...]


def phases(dag: Dag, training: Iterable[str]) -> Phases:
    """Split the DAG at the stages named in `training` ("train_vae" stands for all its items).

    Raises:
        ValueError: A name is no stage.
    """
    downstream, upto = dag.downstream(dag.named(training)), dag.upto(training)
    return Phases(
        tuple(stage for stage in dag.stages if stage not in downstream),
        tuple(stage for stage in dag.stages if stage in downstream and stage in upto),
        tuple(stage for stage in dag.stages if stage in downstream and stage not in upto),
    )


def up_to_date(stages: Sequence[str]) -> list[StageRun]:
    """Of stages that had nothing to do."""
    return [StageRun(stage, UP_TO_DATE, 0.0) for stage in stages]


def run_stages(root: Path, branch: str, stages: Sequence[str], steps: Steps, *, each: bool = False) -> list[StageRun]:
    """Bring the stages up to date; data first, then the commit that names them, so that no commit names lost data.

    Args:
        root: The workspace, on `branch`.
        branch: The run's branch.
        stages: In order.
        steps: Who does it.
        each: Push and commit after each stage, not only at the end: a machine may go, and training is dear.

    Raises:
        StageFailedError: A stage failed; what was done before it is recorded.
    """
    if not steps.changed(stages, ()):
        return up_to_date(stages)
    runs: list[StageRun] = []
    recorded = 0
    try:
        for stage in stages:
            runs.append(steps.stage(stage))
            if each:
                record(root, branch, runs[recorded:], steps)
                recorded = len(runs)
    except StageFailedError:
        record(root, branch, runs[recorded:], steps)
        raise
    record(root, branch, runs[recorded:], steps)
    return runs


def record(root: Path, branch: str, runs: Sequence[StageRun], steps: Steps) -> None:
    """Push the data of stages that ran, then commit and push what they recorded."""
    ran = [run.stage for run in runs if run.result != UP_TO_DATE]
    if not ran:
        return
    steps.push(ran)
    run_branch.commit_all(root, f"Record {', '.join(ran)}")
    steps.push_branch(branch)


def train_at(space: Workspace, branch: str, stages: Sequence[str], steps: Steps) -> list[StageRun]:
    """Bring stages up to date at the workspace's commit; data and records are pushed after each.

    What earlier tries have recorded on the branch is taken over, provided that nothing but records was added.

    Raises:
        ValueError: `branch` is no run's branch, or the commit is not on it.
        StageFailedError: A stage failed; what was done before it is recorded.
    """
    root, commit = space.root, space.commit
    if not RUN_BRANCH.fullmatch(branch):
        raise ValueError(f"branch = {branch!r}: expected one of a run, like retrain/0123456789abcdef")
    tip = run_branch.tip(root, branch)
    if tip is None or not succeeds(root, "merge-base", "--is-ancestor", commit, tip):
        raise ValueError(f"{commit} is not on {branch}: push it before handing it to a worker")
    git(root, "checkout", "-q", "-B", branch, tip if run_branch.only_records(root, commit, tip) else commit)
    return run_stages(root, branch, stages, steps, each=True)


def padstal(
    program: Sequence[str], arguments: Sequence[str], root: Path, say: Say, timeout_seconds: float | None = None
) -> tuple[str, ...]:
    """Run a `padstal` command in the repository; what it said.

    Raises:
        StageFailedError: With the cause.
    """
    name = f"padstal {arguments[0]}"
    outcome = run_child([*program, *arguments], root, child_environment(root), say, timeout_seconds)
    if outcome.code != 0 or outcome.timed_out:
        kind = failure_kind(outcome)
        said = [line.removeprefix("padstal: ") for line in outcome.lines if line.startswith("padstal: ")]
        raise StageFailedError(
            name,
            FailureKind.STAGE if kind is FailureKind.DVC else kind,
            said[-1] if said else last_words(name, outcome),
        )
    return outcome.lines
