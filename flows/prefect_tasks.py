"""The steps of a run as tasks of Prefect, tried again where the cause may go away by itself.

DVC decides what is up to date and keeps the results, so Prefect's cache and result store stay off.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.failure import StageFailedError
from flows.stages import PADSTAL, Steps, plain_steps, read_operations


def may_help_to_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed task is tried again: only where the cause may go away by itself."""
    try:
        state.result()
    except StageFailedError as failure:
        return failure.kind.transient
    except Exception:
        return False
    return False


def say(line: str) -> None:
    """A line in the log of the task or flow that runs."""
    get_run_logger().info(line)


def prefect_steps(root: Path, *, force: bool = False, pull: bool = True, program: Sequence[str] = PADSTAL) -> Steps:
    """`plain_steps` as task runs; to be called in a flow."""
    plain = plain_steps(root, say, force=force, pull=pull, program=program)
    waits = read_operations().retry_waits
    run: Any = task(
        name="step",
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(waits),
        retry_delay_seconds=list(waits),
        retry_condition_fn=may_help_to_retry,
    )(_run)
    return Steps(
        stage=lambda stage: run(stage, plain.stage, stage),
        changed=lambda stages, kept: run("status", plain.changed, list(stages), list(kept)),
        push=lambda stages: run("dvc push", plain.push, list(stages)),
        pull=lambda stages: run("dvc pull", plain.pull, list(stages)),
        push_branch=lambda branch: run(f"push {branch}", plain.push_branch, branch),
        padstal=lambda command: run(f"padstal {command[0]}", plain.padstal, list(command)),
    )


def _run(name: str, step: Any, *arguments: Any) -> Any:
    return step(*arguments)
