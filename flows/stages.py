"""Stages brought up to date in a workspace, their data pushed and their records committed to the run's branch."""

import re
from collections.abc import Sequence

from flows import run_branch
from flows.dag import Dag
from flows.failure import StageFailedError
from flows.repro import UP_TO_DATE, StageRun
from flows.steps import Steps
from padstal.core.git import git, succeeds

TRAINING = ("train_vae", "train_diffusion")
"""Stages that train what is compared; they belong on a GPU."""
RUN_BRANCH = re.compile(r"[a-z]+/[\w.-]+")
"""What a worker may push to; never the branch that runs start from."""


def phases(dag: Dag) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The stages of `dvc.yaml` in three parts, each in order.

    What trains nothing and needs no trained model; from the first training to the last, with what lies between; the
    rest.
    """
    downstream, upto = dag.downstream(dag.named(TRAINING)), dag.upto(TRAINING)
    return (
        tuple(stage for stage in dag.stages if stage not in downstream),
        tuple(stage for stage in dag.stages if stage in downstream and stage in upto),
        tuple(stage for stage in dag.stages if stage in downstream and stage not in upto),
    )


def run_stages(branch: str, stages: Sequence[str], steps: Steps, *, each: bool = False) -> list[StageRun]:
    """Bring the stages up to date; data first, then the commit that names them, so that no commit names lost data.

    Args:
        branch: The run's branch, which is checked out.
        stages: In order.
        steps: Who does it.
        each: Push and commit after each stage, not only at the end: a machine may go, and training is dear.

    Raises:
        StageFailedError: A stage failed; what was done before it is recorded.
    """
    if not steps.changed(stages):
        return [StageRun(stage, UP_TO_DATE, 0.0) for stage in stages]
    runs: list[StageRun] = []
    recorded = 0
    try:
        for stage in stages:
            runs.append(steps.stage(stage))
            if each:
                record(branch, runs[recorded:], steps)
                recorded = len(runs)
    except StageFailedError:
        record(branch, runs[recorded:], steps)
        raise
    record(branch, runs[recorded:], steps)
    return runs


def record(branch: str, runs: Sequence[StageRun], steps: Steps) -> None:
    """Push the data of stages that ran, then commit and push what they recorded."""
    ran = [run.stage for run in runs if run.result != UP_TO_DATE]
    if not ran:
        return
    steps.push(ran)
    run_branch.commit_all(steps.root, f"Record {', '.join(ran)}")
    steps.push_branch(branch)


def train_at(branch: str, stages: Sequence[str], steps: Steps) -> list[StageRun]:
    """Bring stages up to date at the commit that is checked out; data and records are pushed after each.

    What earlier tries have recorded on the branch is taken over, provided that nothing but records was added.

    Raises:
        ValueError: `branch` is no run's branch, or the commit is not on it.
        StageFailedError: A stage failed; what was done before it is recorded.
    """
    root, commit = steps.root, run_branch.head(steps.root)
    if not RUN_BRANCH.fullmatch(branch):
        raise ValueError(f"branch = {branch!r}: expected one of a run, like retrain/0123456789abcdef")
    tip = run_branch.tip(root, branch)
    if tip is None or not succeeds(root, "merge-base", "--is-ancestor", commit, tip):
        raise ValueError(f"{commit} is not on {branch}: push it before handing it to a worker")
    git(root, "checkout", "-q", "-B", branch, tip if run_branch.only_records(root, commit, tip) else commit)
    return run_stages(branch, stages, steps, each=True)
