"""Scheduled retraining as a Prefect flow: from what the sources hold now to a promoted champion, or a reason why not.

`flows/retraining.py` has the steps. They run in a workspace of their own; nothing is written to the branch that they
start from. A run that was killed anywhere is gone on with by the next one.

Usage:
    python flows/retrain.py                        train here
    python flows/retrain.py --train-on gpu         train where the deployment `train/train` runs
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python flows/retrain.py` puts flows/ there

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import State, flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.deployments import run_deployment
from prefect.states import Completed

from flows import run_branch
from flows.failure import FailureKind, StageFailedError
from flows.pipeline import prefect_steps, run_as_program, show_stages
from flows.retraining import Journal, report
from flows.retraining import retrain as retrain_steps
from flows.stages import train_at
from flows.steps import read_operations
from flows.workspace import origin_of, workspace

TRAIN = "train/train"
"""Flow and deployment that a GPU pool's workers run."""


@flow(name="retrain", persist_result=False, log_prints=False)
def retrain(
    train_on: Literal["here", "gpu"] = "here",
    branch: str = "main",
    repository: str | None = None,
) -> State[Any]:
    """Scan the sources; if they hold new data, retrain, judge the challenger, and propose it if it is better.

    Args:
        train_on: "gpu" hands the run's commit to the deployment `train/train`.
        branch: Branch to start from, and to propose a promotion to.
        repository: Address or path of the repository; by default the `origin` of this checkout.
    """
    say = get_run_logger().info
    journal = Journal()
    train = partial(train_on_gpu, say=say) if train_on == "gpu" else None
    try:
        with workspace("retrain", revision=branch, repository=repository, say=say) as root:
            retrain_steps(prefect_steps(root), journal, train, branch)
    except (StageFailedError, ValueError) as failure:
        _show(journal, failure)
        raise
    _show(journal)
    return Completed(name=str(journal.result).capitalize(), message="; ".join(journal.why))


def _show(journal: Journal, failure: Exception | None = None) -> None:
    if journal.stages:
        show_stages(journal.stages)
    create_markdown_artifact(report(journal, failure), key="retraining", description="What happened, and why")


@flow(name="train", flow_run_name="train-{branch}", persist_result=False, log_prints=False)
def train(commit: str, branch: str, stages: list[str], repository: str | None = None) -> str:
    """What a GPU worker runs: bring the training stages up to date at exactly one commit, push data and branch.

    A try after one that was killed goes on from the checkpoints of this machine and from what the branch has recorded.

    Args:
        commit: Of the run's branch, whole.
        branch: The run's branch, that the records go to.
        stages: Names in `dvc.yaml`.
        repository: Address or path of the repository; by default the `origin` of this checkout.

    Returns:
        The last commit of the branch, with what was recorded.
    """
    with workspace("train", revision=commit, repository=repository, say=get_run_logger().info) as root:
        show_stages(train_at(branch, stages, prefect_steps(root)))
        return run_branch.head(root)


def train_on_gpu(root: Path, branch: str, stages: Sequence[str], say: Callable[[str], None]) -> None:
    """Have a worker train at the workspace's commit, and wait; one that a dead run started is waited for, too.

    Raises:
        StageFailedError: The training failed, crashed more often than is tried again, or took too long.
    """
    operations, commit = read_operations(), run_branch.head(root)
    parameters = {"commit": commit, "branch": branch, "stages": list(stages), "repository": origin_of(root)}
    started, crashes = datetime.now(UTC), 0
    for number in itertools.count(1):
        run: Any = run_deployment(
            TRAIN,
            parameters=parameters,
            flow_run_name=f"train-{branch.rpartition('/')[2]}-{number}",
            timeout=operations.limit_unbudgeted,
            idempotency_key=f"{commit}-{number}",  # the same for a retraining that was killed and its successor
        )
        state = run.state
        if state is None or not state.is_final():
            raise StageFailedError("training", FailureKind.TIME, f"no end of flow run {run.name} in sight")
        if run.end_time and run.end_time < started:  # it ended before us, so it tells nothing of now
            continue
        if state.is_completed():
            return
        if state.is_crashed() and crashes < len(operations.retry_waits):
            crashes += 1
            say(f"flow run {run.name} crashed ({state.message}); trying again, from its last checkpoint")
            continue
        raise StageFailedError("training", FailureKind.STAGE, f"flow run {run.name}: {state.name}: {state.message}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-on", choices=("here", "gpu"), default="here", help="gpu: the deployment train/train")
    given = parser.parse_args()

    def work() -> str:
        ended = retrain(given.train_on, return_state=True)
        ended.result()
        return f"{ended.name}: {ended.message}"

    return run_as_program(work)


if __name__ == "__main__":
    raise SystemExit(main())
