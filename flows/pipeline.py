"""The pipeline as a Prefect flow: the stages of `dvc.yaml`, one task each, each `dvc repro -s STAGE` in a child.

DVC decides what is up to date and keeps the results, so Prefect's cache and result store stay off, and the flow gives
the same bytes as `dvc repro`. DVC is asked once what changed; what is up to date costs no task. Stages run one after
the other: `dvc` locks the repository.

Usage:
    python flows/pipeline.py                    everything that is out of date
    python flows/pipeline.py --stage curate     `curate` and what it needs
    python flows/pipeline.py --force            everything, whether out of date or not
"""

import argparse
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python flows/pipeline.py` puts flows/ there

from flows import local_prefect  # sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.assets import tell_assets
from flows.dag import read_dag
from flows.dvc_process import DvcProcess
from flows.failure import StageFailedError
from flows.repro import StageRun, changed_stages, open_dvc, repro, summary
from flows.results import show_stages
from padstal.core.params import check, read_yaml
from padstal.operations.config import OperationsParams


def may_help_to_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed task is tried again: only where the cause may go away by itself."""
    try:
        state.result()
    except StageFailedError as failure:
        return failure.kind.transient
    except Exception:
        return False
    return False


@task(task_run_name="{stage}", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=may_help_to_retry)
def run_stage(
    stage: str,
    root: str,
    force: bool,
    pull: bool = False,
    dvc: DvcProcess | None = None,
    timeout_seconds: float | None = None,
) -> StageRun:
    """One stage of `dvc.yaml`; `pull` gets from the DVC remote what it needs."""
    say = get_run_logger().info
    return repro(stage, Path(root), force, say, pull, dvc=dvc, timeout_seconds=timeout_seconds)


@task(task_run_name="status", cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=may_help_to_retry)
def find_changed(dvc: DvcProcess, stages: Sequence[str], here: bool) -> frozenset[str]:
    """Stages that are out of date by themselves."""
    return changed_stages(dvc, get_run_logger().info, stages, here)


def bring_up_to_date(
    root: Path,
    stages: Sequence[str] = (),
    force: bool = False,
    pull: bool = False,
    fixed: Sequence[str] = (),
    operations: OperationsParams | None = None,
) -> list[StageRun]:
    """Bring stages and all that they need up to date, in the order of `dvc.yaml`; to be called in a flow.

    The outcome is shown in Prefect: a table of the stages, and an event for each output that is new.

    Args:
        root: The repository.
        stages: What is wanted; by default everything.
        force: Run them even if they are up to date.
        pull: Get from the DVC remote what they need and is not here; what `dvc.lock` says is done need not be here.
        fixed: Stages that must be up to date already ("train_vae" stands for all its items).
        operations: Retries and time limits; by default those of the checkout that this code is part of.

    Raises:
        StageFailedError: A stage failed, with the cause; those after it did not start.
        ValueError: A name is no stage; or a stage of `fixed` is out of date, in which case nothing ran.
    """
    operations = operations or read_operations(local_prefect.ROOT)
    retries = retrying(operations)
    budget = budget_of(root)
    runs: list[StageRun] = []
    started = time.monotonic()
    try:
        with open_dvc(root) as dvc:
            dag = read_dag(root)
            wanted = dag.upto(stages or dag.stages)
            suspects = frozenset(wanted)
            if not force:
                suspects = dag.downstream(find_changed.with_options(**retries)(dvc, wanted, not pull))
            _refuse([stage for stage in wanted if stage in suspects and {stage, stage.partition("@")[0]} & set(fixed)])
            for stage in wanted:
                if stage not in suspects:
                    runs.append(StageRun(stage, "up to date", 0.0))
                    continue
                started = time.monotonic()
                limit = operations.limit_of(stage, budget)
                runs.append(run_stage.with_options(**retries)(stage, str(root), force, pull, dvc, limit))
    except StageFailedError as failure:
        runs.append(StageRun(failure.stage, f"failed ({failure.kind.value})", time.monotonic() - started))
        show_stages(runs)
        raise
    finally:
        tell_assets(root, [run.stage for run in runs if run.result in ("ran", "from cache")])
    show_stages(runs)
    return runs


def retrying(operations: OperationsParams) -> dict[str, Any]:
    """Options of a task that is tried again."""
    return {"retries": len(operations.retry_waits), "retry_delay_seconds": list(operations.retry_waits)}


def _refuse(stages: Sequence[str]) -> None:
    if stages:
        raise ValueError(f"{', '.join(stages)}: out of date, and this run may not bring it up to date; train first")


def read_operations(root: Path) -> OperationsParams:
    """The section `operations` of a checkout's params.yaml."""
    return check(OperationsParams, read_yaml(root / "params.yaml").get("operations"), "operations")


def budget_of(root: Path) -> Mapping[str, float]:
    """What stages should take in the repository at `root`, by name, in seconds; nothing where it does not say."""
    if not (root / "params.yaml").exists():
        return {}
    tree = read_yaml(root / "params.yaml")
    budget: dict[str, float] = tree.get("scales", {}).get(tree["scale"], {}).get("budget", {})
    return budget


@flow(name="padstal", flow_run_name="pipeline", persist_result=False, log_prints=False)
def pipeline(
    root: str = str(local_prefect.ROOT), stages: list[str] | None = None, force: bool = False
) -> list[StageRun]:
    """Bring the pipeline (or `stages` and what they need) up to date, in the order of `dvc.yaml`."""
    return bring_up_to_date(Path(root), stages or (), force)


def on_sigterm(_number: int, _frame: Any) -> None:
    """End as a program that was told to, so that blocks are left in order."""
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stage", action="append", metavar="NAME", help="only this stage and what it needs; may be repeated"
    )
    parser.add_argument("--force", action="store_true", help="run stages even if they are up to date")
    parser.add_argument("--root", default=str(local_prefect.ROOT), help="repository; by default the one of this file")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, on_sigterm)  # so that the child's group is ended, too
    try:
        runs = pipeline(given.root, given.stage, given.force)
    except (StageFailedError, ValueError) as failure:
        print(f"pipeline stopped at {failure}", file=sys.stderr)
        return 1
    print(summary(runs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
