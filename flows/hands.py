"""The steps of a run that may be tried again, as tasks of Prefect."""

from collections.abc import Callable, Sequence
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import run_branch, stages
from flows.causes import Cause, StageFailedError, cause_of
from flows.child import Outcome
from flows.git_child import GitError
from flows.pipeline import RETRY_SECONDS, may_help_to_retry, run_stage
from flows.stages import Hands

again = task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=may_help_to_retry,
)


def prefect_hands(say: Callable[[str], None]) -> Hands:
    """Hands whose steps are task runs, tried again where the cause may go away by itself."""
    return Hands(
        stage=lambda stage, root: run_stage(stage, str(root), False, True),
        push_data=lambda root, names: _push_data(str(root), list(names)),
        pull_data=lambda root: _pull_data(str(root)),
        push_branch=lambda root, branch: _push_branch(str(root), branch),
        say=say,
    )


def _task(name: str) -> "Callable[..., object]":
    return again.with_options(name=name)  # type: ignore[attr-defined]
