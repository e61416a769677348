"""The pipeline as a Prefect flow: the stages of `dvc.yaml`, one task each, each `dvc repro -s STAGE` in a child.

The flow gives the same bytes as `dvc repro`. DVC is asked once what changed; what is up to date costs no task. Stages
run one after the other: `dvc` locks the repository.

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
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python flows/pipeline.py` puts flows/ there

from flows import local_prefect  # sets Prefect's variables, so it comes first

# isort: split
from prefect import flow

from flows.dag import read_dag
from flows.failure import StageFailedError
from flows.prefect_tasks import prefect_steps, say, show_stages
from flows.repro import UP_TO_DATE, StageRun, summary
from padstal.core.outlook import time_left


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
        ahead = [stage for stage in wanted if stage in suspects]
        if refused := [stage for stage in ahead if stage.partition("@")[0] in fixed]:
            raise ValueError(
                f"{', '.join(refused)}: out of date, or made and never pushed (the log names the files), and this run "
                "may not train: `padstal push` where the models are, or let it (`train=true`)"
            )
        for stage in wanted:
            if stage not in suspects:
                runs.append(StageRun(stage, UP_TO_DATE, 0.0))
                continue
            started, place = time.monotonic(), ahead.index(stage)
            left = time_left(root, ahead[place:])
            say(f"{stage}: {place + 1} of {len(ahead)} stages that may run" + (f", {left} left" if left else ""))
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
