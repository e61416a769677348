"""Tables in the terminal, from the same records as those of the page."""

from collections.abc import Collection

from rich import box
from rich.table import Table as Shown
from rich.text import Text

from padstal.reporting.table import Cell, Table
from padstal.reporting.text import visible

STYLES = {"good": "green", "warn": "yellow", "bad": "red", "strong": "bold"}


def shown(table: Table, title: str = "", whole: Collection[str] = ()) -> Shown:
    """A table for rich to print; texts may come from outside. Columns that are `whole` are not folded."""
    made = Shown(title=title or None, title_justify="left", box=box.SIMPLE, pad_edge=False, show_header=any(table.head))
    for name, right in zip(table.head, table.aligned, strict=True):
        made.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name in whole)
    for row in table.rows:
        made.add_row(
            *(Text(visible(cell), STYLES.get(cell.look, "") if isinstance(cell, Cell) else "") for cell in row)
        )
    return made
