"""Look at the sources and tell whether their data would pass: scan, `ingest`, `validate`, `gate`, in a workspace.

Nothing is committed (`retrain` does that). What was ingested stays in the shared cache, and the next retraining finds
it there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger

from flows.child import run_child
from flows.failure import StageFailedError, failure_kind, last_words
from flows.parameters import Revision, Scale, choose_scale
from flows.pipeline import bring_up_to_date
from flows.repro import StageRun, child_environment
from flows.workspace import workspace


@flow(name="ingest", flow_run_name="ingest-{revision}", persist_result=False)
def ingest(revision: Revision = "main", scale: Scale | None = None) -> list[StageRun]:
    """Scan the sources, ingest what is new, check it.

    Args:
        revision: Whose params and code.
        scale: By default the active one of its params.yaml.

    Raises:
        StageFailedError: A source cannot be read, or the gate refuses the data; the log names the broken expectations.
    """
    say = get_run_logger().info
    with workspace("ingest", revision=revision, say=say) as space:
        choose_scale(space.root, scale)
        command = [sys.executable, "-m", "padstal.cli", "scan"]
        outcome = run_child(command, space.root, child_environment(space.root), say)
        if outcome.code != 0:
            raise StageFailedError("padstal scan", failure_kind(outcome), last_words("padstal scan", outcome))
        return bring_up_to_date(space.root, ["gate@ingest"], pull=True)
