"""`padstal report`: this machine's record in the page, where the page is, and what each stage took of its budget."""

import webbrowser
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from padstal.commands.project import paths_of
from padstal.core.data.atomic import read_json
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.reporting.compose import compose_report


def run(root: Path, scale: str | None, open_page: bool) -> int:
    """Compose the page and print its path after the table of timings.

    Raises:
        FileNotFoundError: The stage `report` has not run at this scale.
    """
    paths = paths_of(root, scale)
    page = compose_report(paths)
    console = Console()
    console.print(_timings(paths, list(read_yaml(paths.params)["scales"][paths.scale])))
    console.print(f"report: {page.relative_to(root)}", soft_wrap=True)
    if open_page and not webbrowser.open(page.as_uri()):
        console.print("no browser to open it with")
    return 0


def _timings(paths: Paths, stages: list[str]) -> Table:
    """A row a stage that ran on this machine, in the order of the DAG."""
    records = [read_json(file) for file in (paths.local / "timings").glob("*.json")]
    order = {name: number for number, name in enumerate(stages)}
    records.sort(key=lambda record: (order.get(record["stage"], len(order)), record["item"]))
    table = Table(title=f"{paths.scale}: last run of each stage on this machine", title_justify="left", box=box.SIMPLE)
    table.add_column("stage")
    for column in ("wall (s)", "budget (s)", "peak memory (GiB)"):
        table.add_column(column, justify="right")
    for record in records:
        wall, budget = record["wall_seconds"], record["budget_seconds"]
        label = f"{record['stage']}@{record['item']}" if record["item"] else record["stage"]
        style = "red" if budget and wall > budget else ""
        table.add_row(
            label, f"{wall:.1f}", f"{budget:.0f}" if budget else "", f"{record['peak_gibibytes']:.2f}", style=style
        )
    total = sum(record["wall_seconds"] for record in records)
    allowed = sum(record["budget_seconds"] or 0 for record in records)
    table.add_row("all", f"{total:.1f}", f"{allowed:.0f}", "", style="bold")
    return table
