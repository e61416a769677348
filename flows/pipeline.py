"""The pipeline as a Prefect flow: the stages of `dvc.yaml`, one task each, each `dvc repro -s STAGE` in a child.

DVC decides what is up to date and keeps the results, so Prefect's cache and result store stay off, and the flow gives
the same bytes as `dvc repro`. Stages run one after the other: `dvc` locks the repository.

Usage:
    python flows/pipeline.py                    everything that is out of date
    python flows/pipeline.py --stage curate     `curate` and what it needs
    python flows/pipeline.py --force            everything, whether out of date or not
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python flows/pipeline.py` puts flows/ there

from flows import local_prefect  # sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.causes import StageFailedError
from flows.dag import read_dag
from flows.repro import StageRun, repro, summary

RETRY_SECONDS = [30.0, 120.0]


def may_help_to_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed task is tried again: only where the cause may go away by itself."""
    try:
        state.result()
    except StageFailedError as failure:
        return failure.cause.transient
    except Exception:
        return False
    return False


@task(
    task_run_name="{stage}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=may_help_to_retry,
)
def run_stage(stage: str, root: str, force: bool, pull: bool = False) -> StageRun:
    """One stage of `dvc.yaml`; `pull` gets from the DVC remote what it needs."""
    return repro(stage, Path(root), force, get_run_logger().info, pull)


@flow(name="padstal", flow_run_name="pipeline", persist_result=False, log_prints=False)
def pipeline(
    root: str = str(local_prefect.ROOT), stages: list[str] | None = None, force: bool = False
) -> list[StageRun]:
    """Bring the pipeline (or `stages` and what they need) up to date, in the order of `dvc.yaml`."""
    dag = read_dag(Path(root))
    runs: list[StageRun] = []
    started = time.monotonic()
    try:
        for stage in dag.upto(stages or dag.stages):
            started = time.monotonic()
            runs.append(run_stage(stage, root, force))
    except StageFailedError as failure:
        runs.append(StageRun(failure.stage, f"failed ({failure.cause.value})", time.monotonic() - started))
        raise
    finally:
        create_markdown_artifact(summary(runs), key="padstal-stages", description="What became of each stage")
    return runs


def _on_sigterm(_number: int, _frame: Any) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stage", action="append", metavar="NAME", help="only this stage and what it needs; may be repeated"
    )
    parser.add_argument("--force", action="store_true", help="run stages even if they are up to date")
    parser.add_argument("--root", default=str(local_prefect.ROOT), help="repository; by default the one of this file")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _on_sigterm)  # so that the child's group is ended, too
    try:
        runs = pipeline(given.root, given.stage, given.force)
    except (StageFailedError, ValueError) as failure:
        print(f"pipeline stopped at {failure}", file=sys.stderr)
        return 1
    print(summary(runs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
