"""Stages brought up to date in a workspace, their data pushed and their records committed to the run's branch."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows import run_branch
from flows.child import run_child
from flows.dag import Dag
from flows.dvc_process import DvcProcess
from flows.failure import FailureKind, StageFailedError, failure_kind, last_words
from flows.repro import StageRun, changed_stages, child_environment
from flows.workspace import Workspace
from padstal.core.git import git, succeeds

UP_TO_DATE = "up to date"
PADSTAL = (sys.executable, "-m", "padstal.cli")


RUN_BRANCH = re.compile(r"[a-z]+/[\w.-]+")
"""What a worker may push to; never the branch that runs start from."""


@dataclass(frozen=True)
class RetryableTasks:
    """Who carries out, in one workspace, what may fail and be tried again: plain functions, or tasks of Prefect.

    Attributes:
        dvc: The workspace's DVC.
        stage: Brings a stage up to date, pulling what it needs.
        push_data: Puts the outputs of stages into the DVC remote.
        pull_data: Gets all that `dvc.lock` names.
        push_branch: Pushes what is committed to a branch.
        padstal: Runs a `padstal` command; gives what it said.
        say: Gets a line for a person.
    """

    dvc: DvcProcess
    stage: Callable[[str], StageRun]
    push_data: Callable[[Sequence[str]], None]
    pull_data: Callable[[], None]
    push_branch: Callable[[str], None]
    padstal: Callable[..., tuple[str, ...]]
    say: Callable[[str], None]


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


def nothing_to_do(dvc: DvcProcess, stages: Sequence[str]) -> bool:
    """Whether `dvc.lock` says that all the stages are up to date; their data need not be here."""
    return not changed_stages(dvc, lambda _: None, stages, here=False)


def run_stages(
    root: Path, branch: str, stages: Sequence[str], tasks: RetryableTasks, *, each: bool = False
) -> list[StageRun]:
    """Bring the stages up to date; data first, then the commit that names them, so that no commit names lost data.

    Args:
        root: The workspace, on `branch`.
        branch: The run's branch.
        stages: In order.
        tasks: Who does it.
        each: Push and commit after each stage, not only at the end: a machine may go, and training is dear.

    Raises:
        StageFailedError: A stage failed; what was done before it is recorded.
    """
    if nothing_to_do(tasks.dvc, stages):
        tasks.say(f"up to date: {', '.join(stages) or 'no stage here'}")
        return [StageRun(stage, UP_TO_DATE, 0.0) for stage in stages]
    runs: list[StageRun] = []
    recorded = 0
    try:
        for stage in stages:
            runs.append(tasks.stage(stage))
            if each:
                record(root, branch, runs[recorded:], tasks)
                recorded = len(runs)
    except StageFailedError:
        record(root, branch, runs[recorded:], tasks)
        raise
    record(root, branch, runs[recorded:], tasks)
    return runs


def record(root: Path, branch: str, runs: Sequence[StageRun], tasks: RetryableTasks) -> None:
    """Push the data of stages that ran, then commit and push what they recorded."""
    ran = [run.stage for run in runs if run.result != UP_TO_DATE]
    if not ran:
        return
    tasks.push_data(ran)
    run_branch.commit_all(root, f"Record {', '.join(ran)}")
    tasks.push_branch(branch)


@dataclass(frozen=True)
class Trained:
    """What a worker did.

    Attributes:
        commit: Last commit of the branch.
        stages: What became of the stages.
    """

    commit: str
    stages: list[StageRun]


def train_at(space: Workspace, branch: str, stages: Sequence[str], tasks: RetryableTasks) -> Trained:
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
    runs = run_stages(root, branch, stages, tasks, each=True)
    return Trained(run_branch.head(root), runs)


def padstal(
    program: Sequence[str],
    arguments: Sequence[str],
    root: Path,
    say: Callable[[str], None],
    timeout_seconds: float | None = None,
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
