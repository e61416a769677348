"""The pipeline as Prefect flows: the stages of `dvc.yaml`, one task each, each `dvc repro -s STAGE` in a child.

A flow gives the same bytes as `dvc repro`. DVC is asked once what changed; what is up to date costs no task. Stages
run one after the other: `dvc` locks the repository. DVC keeps results, so Prefect's cache and result store stay off.

Usage:
    python flows/pipeline.py                    everything that is out of date
    python flows/pipeline.py --stage curate     `curate` and what it needs
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python flows/pipeline.py` puts flows/ there

from flows import local_prefect  # sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from flows.dag import read_dag
from flows.failure import StageFailedError
from flows.repro import UP_TO_DATE, StageRun, summary
from flows.stages import TRAINING
from flows.steps import Steps, once, read_operations
from flows.workspace import workspace
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.core.yaml_edit import with_values

Scale = Literal["demo", "study", "full"]
Revision = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./@^~+-]*$",
        description="a branch, a tag or a commit",
    ),
]
"""Types of what a run may be asked for; Prefect checks them against a deployment's schema before a run starts."""


def may_help_to_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed task is tried again: only where the cause may go away by itself."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, StageFailedError) and failure.kind.transient


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
    return Steps(root, lambda line: get_run_logger().info(line), carry, pulls)  # of the task or flow that runs then


def show_stages(runs: Sequence[StageRun]) -> None:
    """The artifact `stages`: what became of each stage, and its wall time."""
    create_markdown_artifact(summary(runs), key="stages", description="What became of each stage")


def bring_up_to_date(
    root: Path,
    stages: Sequence[str] = (),
    *,
    pulls: bool = True,
    fixed: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> list[StageRun]:
    """Bring stages and all that they need up to date, in the order of `dvc.yaml`; to be called in a flow.

    The outcome is shown in Prefect as a table.

    Args:
        root: The repository.
        stages: What is wanted; by default everything.
        pulls: Get from the DVC remote what they need and is not here; what `dvc.lock` says is done need not be here.
        fixed: Stages, with all their items, that must be up to date already.
        kept: Stages of these whose outputs are to be here in the end.

    Raises:
        StageFailedError: A stage failed, with the cause; those after it did not start.
        ValueError: A name is no stage; or a stage of `fixed` is out of date, in which case nothing ran.
    """
    steps = prefect_steps(root, pulls=pulls)
    runs: list[StageRun] = []
    started = time.monotonic()
    try:
        dag = read_dag(root)
        wanted = dag.upto(stages or dag.stages)
        suspects = dag.downstream(steps.changed(wanted, kept)) & frozenset(wanted)
        if refused := [stage for stage in wanted if stage in suspects and stage.partition("@")[0] in fixed]:
            raise ValueError(
                f"{', '.join(refused)}: out of date, or made and never pushed (the log names the files), and this run "
                "may not train: `padstal push` where the models are, or let it (`train=true`)"
            )
        for stage in wanted:
            if stage not in suspects:
                runs.append(StageRun(stage, UP_TO_DATE, 0.0))
                continue
            started = time.monotonic()
            runs.append(steps.stage(stage))
        if kept:
            steps.pull(kept)
    except StageFailedError as failure:
        runs.append(StageRun(failure.stage, f"failed ({failure.kind.value})", time.monotonic() - started))
        raise
    finally:
        if runs:
            show_stages(runs)
    return runs


@flow(name="padstal", flow_run_name="pipeline", persist_result=False, log_prints=False)
def pipeline(root: str = str(local_prefect.ROOT), stages: list[str] | None = None) -> list[StageRun]:
    """Bring the pipeline (or `stages` and what they need) up to date, in the order of `dvc.yaml`."""
    return bring_up_to_date(Path(root), stages or (), pulls=False)


@flow(name="ingest", flow_run_name="ingest-{revision}", persist_result=False)
def ingest(revision: Revision = "main", scale: Scale | None = None) -> list[StageRun]:
    """Scan the sources, ingest what is new, and tell whether it would pass; in a workspace, and nothing is committed.

    What was ingested stays in the shared cache, where the next retraining finds it.

    Args:
        revision: Whose params and code.
        scale: By default the active one of its params.yaml.

    Raises:
        StageFailedError: A source cannot be read, or the gate refuses the data; the log names the broken expectations.
    """
    with workspace("ingest", revision=revision, say=get_run_logger().info) as root:
        choose_scale(root, scale)
        prefect_steps(root).padstal("scan")
        return bring_up_to_date(root, ["gate@ingest"])


@flow(name="evaluate", flow_run_name="evaluate-{revision}", persist_result=False)
def evaluate(revision: Revision = "main", scale: Scale | None = None, train: bool = False) -> None:
    """Bring the report of a revision up to date in a workspace, and show its summary as the artifact `report`.

    Args:
        revision: Whose models.
        scale: By default the active one of its params.yaml.
        train: Train what is not trained, or was and can be had nowhere; else such a revision is refused before anything
            runs.

    Raises:
        StageFailedError: A stage failed, with the cause.
        ValueError: The revision's models are not trained, and `train` is false.
    """
    with workspace("evaluate", revision=revision, say=get_run_logger().info) as root:
        choose_scale(root, scale)
        bring_up_to_date(root, ["report"], fixed=() if train else TRAINING, kept=["report"])
        paths = Paths(root, read_yaml(root / "params.yaml")["scale"])
        shown = paths.summary.read_text(encoding="utf-8")
        create_markdown_artifact(shown, key="report", description="The report's summary")


def choose_scale(root: Path, scale: Scale | None) -> None:
    """Make `scale` the active one of the params.yaml at `root`; None leaves it."""
    if scale:
        file = root / "params.yaml"
        file.write_text(with_values(file.read_text(encoding="utf-8"), {("scale",): scale}), encoding="utf-8")


def run_as_program(work: Callable[[], str]) -> int:
    """Exit status of a flow started by hand; what `work` gives is printed. SIGTERM ends the children, too."""

    def end(_number: int, _frame: Any) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        print(work())
    except (StageFailedError, ValueError) as failure:
        print(f"stopped at {failure}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stage", action="append", metavar="NAME", help="only this stage and what it needs; may be repeated"
    )
    parser.add_argument("--root", default=str(local_prefect.ROOT), help="repository; by default the one of this file")
    given = parser.parse_args()
    return run_as_program(lambda: summary(pipeline(given.root, given.stage)))


if __name__ == "__main__":
    raise SystemExit(main())
