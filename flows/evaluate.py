"""Evaluate the models of a revision and show the report, in a workspace; trains nothing unless asked to."""

from flows import local_prefect  # noqa: F401 - sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.parameters import TRAINING, Revision, Scale, choose_scale
from flows.pipeline import bring_up_to_date
from flows.workspace import workspace
from padstal.core.params import read_yaml
from padstal.core.paths import Paths


@flow(name="evaluate", flow_run_name="evaluate-{revision}", persist_result=False)
def evaluate(revision: Revision = "main", scale: Scale | None = None, train: bool = False) -> None:
    """Bring the report of a revision up to date, and show its summary as the artifact `report`.

    Args:
        revision: Whose models.
        scale: By default the active one of its params.yaml.
        train: Train what is not trained, or was and can be had nowhere; else such a revision is refused before anything
            runs.

    Raises:
        StageFailedError: A stage failed, with the cause.
        ValueError: The revision's models are not trained, and `train` is false.
    """
    say = get_run_logger().info
    with workspace("evaluate", revision=revision, say=say) as space:
        choose_scale(space.root, scale)
        bring_up_to_date(space.root, ["report"], fixed=() if train else TRAINING, kept=["report"])
        paths = Paths(space.root, read_yaml(space.root / "params.yaml")["scale"])
        shown = paths.summary.read_text(encoding="utf-8")
        create_markdown_artifact(shown, key="report", description="The report's summary")
