"""A table as a record: one macro of the templates shows it, and `markdown_table` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from padstal.reporting.text import escape_markdown


class Cell(str):
    """A cell's text with what the page shows beside it.

    Attributes:
        below: Small print under the text, e.g. an interval.
        look: "good", "warn" or "bad" of a verdict, "strong" of a best value; "" of all others.
    """

    below: str
    look: str

    def __new__(cls, text: str, below: str = "", look: str = "") -> "Cell":
        cell = super().__new__(cls, text)
        cell.below, cell.look = below, look
        return cell


@dataclass(frozen=True)
class Table:
    """Column names and rows of ready text.

    Attributes:
        numeric: Which columns align right; none if it is empty.
        tinted: Places of the rows that stand out.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...] = ()
    tinted: frozenset[int] = frozenset()

    @property
    def aligned(self) -> tuple[bool, ...]:
        return self.numeric or (False,) * len(self.head)

    def cells(self, row: Sequence[str]) -> list[tuple[str, str, bool]]:
        """(column name, text, numeric) of each cell of `row`."""
        return list(zip(self.head, row, self.aligned, strict=True))


def markdown_table(table: Table, outside: int | None = None) -> str:
    """A table in Markdown; the first `outside` columns hold texts from outside and are escaped (all by default).

    What the page shows below a cell stands beside it.
    """
    lines = [
        "| " + " | ".join(table.head) + " |",
        "|" + "|".join("---:" if flag else "---" for flag in table.aligned) + "|",
    ]
    for cells_of in table.rows:
        row = [f"{cell} {cell.below}".strip() if isinstance(cell, Cell) else cell for cell in cells_of]
        cells = [*map(escape_markdown, row[:outside]), *row[len(row[:outside]) :]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
