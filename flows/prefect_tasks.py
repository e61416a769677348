"""The steps of a run that may be tried again, as tasks of Prefect."""

from collections.abc import Callable, Sequence
from pathlib import Path

from flows import local_prefect  # sets Prefect's variables, so it comes first

# isort: split
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import run_branch
from flows.child import Outcome
from flows.dvc_process import DvcProcess
from flows.failure import StageFailedError, failure_kind
from flows.pipeline import budget_of, may_help_to_retry, read_operations, retrying, run_stage
from flows.repro import StageRun, open_dvc, transfer
from flows.stages import PADSTAL, RetryableTasks, padstal
from padstal.core.git import GitError


@task(task_run_name="dvc {way}", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=may_help_to_retry)
def transfer_data(way: str, stages: list[str], dvc: DvcProcess) -> None:
    """`dvc push` or `dvc pull` of what stages have written, or of everything."""
    transfer(dvc, way, stages, get_run_logger().info)


@task(task_run_name="push {branch}", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=may_help_to_retry)
def push_branch(branch: str, root: str) -> None:
    """Push what is committed to a branch."""
    try:
        run_branch.push(Path(root), branch, get_run_logger().info)
    except GitError as error:
        kind = failure_kind(Outcome(1, tuple(str(error).splitlines()), False))
        raise StageFailedError("git push", kind, str(error)) from error


@task(
    task_run_name="padstal {command}", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=may_help_to_retry
)
def run_padstal(
    command: str, arguments: list[str], program: list[str], root: str, timeout_seconds: float
) -> tuple[str, ...]:
    """A `padstal` command; what it said."""
    return padstal(program, [command, *arguments], Path(root), get_run_logger().info, timeout_seconds)


def prefect_tasks(
    root: Path, dvc: DvcProcess, say: Callable[[str], None], program: Sequence[str] = PADSTAL
) -> RetryableTasks:
    """Steps as task runs, tried again where the cause may go away by itself; `program` is `padstal`."""
    operations, budget = read_operations(local_prefect.ROOT), budget_of(root)
    retries = retrying(operations)

    def stage(name: str) -> StageRun:
        limit = operations.limit_of(name, budget)
        run: StageRun = run_stage.with_options(**retries)(name, str(root), False, True, dvc, limit)
        return run

    def push_data(stages: Sequence[str]) -> None:
        transfer_data.with_options(**retries)("push", list(stages), dvc)

    def run_command(command: str, *arguments: str) -> tuple[str, ...]:
        limit = operations.limit_unbudgeted
        said: tuple[str, ...] = run_padstal.with_options(**retries)(
            command, list(arguments), list(program), str(root), limit
        )
        return said

    return RetryableTasks(
        dvc=dvc,
        stage=stage,
        push_data=push_data,
        pull_data=lambda: transfer_data.with_options(**retries)("pull", [], dvc),
        push_branch=lambda branch: push_branch.with_options(**retries)(branch, str(root)),
        padstal=run_command,
        say=say,
    )


def fetch(root: Path, stages: Sequence[str]) -> None:
    """Have the outputs of stages in the workspace, from the cache or the DVC remote; to be called in a flow.

    Raises:
        StageFailedError: They are in neither.
    """
    with open_dvc(root) as dvc:
        transfer_data.with_options(**retrying(read_operations(local_prefect.ROOT)))("pull", list(stages), dvc)
