"""Look at the sources and tell whether their data would pass: scan, `ingest`, `validate`, `gate`, in a workspace.

Nothing is committed (`retrain` does that). What was ingested stays in the shared cache, and the next retraining finds
it there.
"""

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger

from flows.parameters import Revision, Scale, choose_scale
from flows.pipeline import bring_up_to_date
from flows.prefect_tasks import prefect_steps
from flows.repro import StageRun
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
        prefect_steps(space.root).padstal("scan")
        return bring_up_to_date(space.root, ["gate@ingest"])
