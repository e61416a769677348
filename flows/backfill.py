"""Run the pipeline for revisions and scales of the past, each in a workspace of its own, one after the other."""

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.failure import StageFailedError
from flows.parameters import Revision, Scale, StageName, choose_scale
from flows.pipeline import bring_up_to_date
from flows.results import show_report
from flows.workspace import workspace


@flow(name="backfill", persist_result=False)
def backfill(
    revisions: Annotated[tuple[Revision, ...], Field(min_length=1, max_length=100)] = ("main",),
    scales: Annotated[tuple[Scale, ...], Field(max_length=3)] = (),
    stages: tuple[StageName, ...] = (),
) -> None:
    """Bring the stages of each revision at each scale up to date.

    Args:
        revisions: Branches, tags or commits.
        scales: By default the active one of each revision.
        stages: What is wanted, with all that it needs; by default everything.

    Raises:
        RuntimeError: Some failed; all others were done.
    """
    rows: list[dict[str, object]] = []
    failed: list[str] = []
    for revision, scale in product(revisions, scales or (None,)):
        name = f"{revision} at {scale}" if scale else revision
        row: dict[str, object] = {"revision": revision, "scale": scale or "its own", "result": "", "page": ""}
        try:
            row["result"], row["page"] = _one(revision, scale, stages)
        except (StageFailedError, ValueError) as failure:
            row["result"] = f"failed: {failure}"
            failed.append(f"{name}: {failure}")
            get_run_logger().error("%s failed: %s", name, failure)
        rows.append(row)
    create_table_artifact(rows, key="backfill", description="What became of each revision")
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(rows)} failed:\n" + "\n".join(failed))


def _one(revision: Revision, scale: Scale | None, stages: Sequence[StageName]) -> tuple[str, str]:
    """What became of one revision, and the address of its page (if the report was wanted)."""
    say = get_run_logger().info
    with workspace("backfill", revision=revision, say=say) as space:
        choose_scale(space.root, scale)
        runs = bring_up_to_date(space.root, stages, kept=["report"])
        ran = sum(run.result == "ran" for run in runs)
        page = show_report(space.root) if any(run.stage == "report" for run in runs) else ""
        return f"{ran} of {len(runs)} stages ran", page
