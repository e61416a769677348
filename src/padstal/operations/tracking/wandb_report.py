"""The report of a run as a W&B report (`wandb-workspaces`): the same blocks, with W&B's own curves for the tables."""

import re
from collections.abc import Sequence
from typing import Any

from padstal.operations.tracking.run import STEP
from padstal.operations.tracking.server import ServerError, brief
from padstal.reporting.summary import Block
from padstal.reporting.table import markdown_table

LONGEST_TITLE = 128
_PLOT_WIDTH, _PLOT_HEIGHT, _PLOTS_A_ROW = 8, 6, 3
_ADDRESS = re.compile(r"https?://[^/]+/[^/]+/[^/]+/reports/[^/?#]*--[\w=-]+")


def build(title: str, blocks: Sequence[Block], *, entity: str, project: str, group: str) -> Any:
    """A `Report` that is not saved; makes no request."""
    import wandb_workspaces.reports.v2 as wr

    shown = [one for block in blocks for one in _block(block, entity, project, group)]
    return wr.Report(project=project, entity=entity, title=title[:LONGEST_TITLE], blocks=shown, width="fluid")


def publish(report: Any, address: str = "") -> str:
    """Save a report, in the place of the one at `address` if that is given; its address.

    Raises:
        ServerError: `address` is no report's, or W&B did not take it.
    """
    import wandb_workspaces.reports.v2 as wr

    if address and not _ADDRESS.fullmatch(address):
        raise ServerError(f"{address!r}: expected the address of a W&B report")
    try:
        if address:
            known = wr.Report.from_url(address)
            known.title, known.blocks, known.width = report.title, report.blocks, report.width
            report = known
        return str(report.save().url)
    except Exception as error:
        raise ServerError(f"the report was not saved: {brief(error)}") from None


def _block(block: Block, entity: str, project: str, group: str) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces import expr

    if isinstance(block, str):
        title = block.removeprefix("## ")
        return [wr.H2(text=title) if title != block else wr.MarkdownBlock(text=block)]
    ours = [expr.Metric("Group") == group, expr.Metric("JobType") == block.stage]
    runs = wr.Runset(entity=entity, project=project, name=block.stage, filters=ours)
    plots = [_plot(quantity, place) for place, quantity in enumerate(block.quantities)]
    return [wr.PanelGrid(runsets=[runs], panels=plots), wr.MarkdownBlock(text=markdown_table(block.ends))]


def _plot(quantity: str, place: int) -> Any:
    import wandb_workspaces.reports.v2 as wr

    row, column = divmod(place, _PLOTS_A_ROW)
    layout = wr.Layout(x=column * _PLOT_WIDTH, y=row * _PLOT_HEIGHT, w=_PLOT_WIDTH, h=_PLOT_HEIGHT)
    return wr.LinePlot(title=quantity, x=STEP, y=[quantity], layout=layout)
