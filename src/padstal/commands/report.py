"""`padstal report`: this machine's record in the page, where the page is, and what each stage took of its budget."""

import webbrowser
from pathlib import Path

from rich.console import Console

from padstal.commands.project import paths_of
from padstal.commands.terminal import shown
from padstal.core.paths import Paths
from padstal.reporting.compose import compose_report
from padstal.reporting.record import stage_timings
from padstal.reporting.table import Cell, Table


def run(root: Path, scale: str | None, open_page: bool) -> int:
    """Compose the page and print its path after the table of timings.

    Raises:
        FileNotFoundError: The stage `report` has not run at this scale.
    """
    paths = paths_of(root, scale)
    page = compose_report(paths)
    console = Console()
    console.print(shown(_timings(paths), f"{paths.scale}: last run of each stage on this machine"))
    console.print(f"report: {page.relative_to(root)}", soft_wrap=True)
    if open_page and not webbrowser.open(page.as_uri()):
        console.print("no browser to open it with")
    return 0


def _timings(paths: Paths) -> Table:
    """A row for each stage that ran on this machine, in the order of the DAG, and how many came from the cache."""
    timings = stage_timings(paths)
    ran = [row for row in timings if not row["cached"]]
    rows: list[tuple[str, ...]] = []
    for row in ran:
        wall, budget = row["wall_seconds"], row["budget_seconds"]
        told = (row["label"], f"{wall:.1f}", f"{budget:.0f}" if budget else "", f"{row['peak_gibibytes']:.2f}")
        rows.append(tuple(Cell(text, look="bad" if budget and wall > budget else "") for text in told))
    total = sum(row["wall_seconds"] for row in ran)
    allowed = sum(row["budget_seconds"] or 0 for row in ran)
    whole = (f"ran here: {len(ran)} of {len(timings)}", f"{total:.1f}", f"{allowed:.0f}", "")
    rows.append(tuple(Cell(text, look="strong") for text in whole))
    if len(timings) > len(ran):
        rows.append((f"from the cache: {len(timings) - len(ran)}", "", "", ""))
    head = ("stage", "wall (s)", "budget (s)", "peak memory (GiB)")
    return Table(head, tuple(rows), (False, True, True, True))
