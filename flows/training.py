"""Training at exactly one commit of a run's branch, without Prefect (`flows/train.py` is the flow)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flows import run_branch
from flows.repro import StageRun
from flows.stages import RetryableTasks, run_stages
from flows.workspace import Workspace
from padstal.core.git import git, succeeds

RUN_BRANCH = re.compile(r"[a-z]+/[\w.-]+")
"""What a worker may push to; never the branch that runs start from."""


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
