"""`padstal report`: this machine's record in the page, where the page is, and what each stage took of its budget."""

import webbrowser
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from padstal.commands.project import paths_of
from padstal.core.paths import Paths
from padstal.reporting.compose import compose_report
from padstal.reporting.record import stage_timings


def run(root: Path, scale: str | None, open_page: bool) -> int:
    """Compose the page and print its path after the table of timings.

    Raises:
        FileNotFoundError: The stage `report` has not run at this scale.
    """
    paths = paths_of(root, scale)
    page = compose_report(paths)
    console = Console()
    console.print(_timings(paths))
    console.print(f"report: {page.relative_to(root)}", soft_wrap=True)
    if open_page and not webbrowser.open(page.as_uri()):
        console.print("no browser to open it with")
    return 0


def _timings(paths: Paths) -> Table:
    """A row for each stage that ran on this machine, in the order of the DAG, and how many came from the cache."""
    rows = stage_timings(paths)
    ran = [row for row in rows if not row["cached"]]
    table = Table(title=f"{paths.scale}: last run of each stage on this machine", title_justify="left", box=box.SIMPLE)
    table.add_column("stage")
    for column in ("wall (s)", "budget (s)", "peak memory (GiB)"):
        table.add_column(column, justify="right")
    for row in ran:
        wall, budget = row["wall_seconds"], row["budget_seconds"]
        style = "red" if budget and wall > budget else ""
        shown = (f"{wall:.1f}", f"{budget:.0f}" if budget else "", f"{row['peak_gibibytes']:.2f}")
        table.add_row(row["label"], *shown, style=style)
    total = sum(row["wall_seconds"] for row in ran)
    allowed = sum(row["budget_seconds"] or 0 for row in ran)
    table.add_row(f"ran here: {len(ran)} of {len(rows)}", f"{total:.1f}", f"{allowed:.0f}", "", style="bold")
    if len(rows) > len(ran):
        table.add_row(f"from the cache: {len(rows) - len(ran)}", "", "", "")
    return table
