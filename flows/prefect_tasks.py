"""The steps of a run as tasks of Prefect, tried again where the cause may go away by itself, and what a person sees.

DVC decides what is up to date and keeps the results, so Prefect's cache and result store stay off.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.failure import StageFailedError
from flows.repro import StageRun, summary
from flows.steps import Steps, once, read_operations


def may_help_to_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed task is tried again: only where the cause may go away by itself."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, StageFailedError) and failure.kind.transient


def say(line: str) -> None:
    """A line in the log of the task or flow that runs."""
    get_run_logger().info(line)


def prefect_steps(root: Path, *, pulls: bool = True) -> Steps:
    """Steps as task runs; to be called in a flow."""
    waits = read_operations().retry_waits
    carry: Any = task(
        name="step",
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(waits),
        retry_delay_seconds=list(waits),
        retry_condition_fn=may_help_to_retry,
    )(once)
    return Steps(root, say, carry, pulls)


def show_stages(runs: Sequence[StageRun]) -> None:
    """The artifact `stages`: what became of each stage, and its wall time."""
    create_markdown_artifact(summary(runs), key="stages", description="What became of each stage")
