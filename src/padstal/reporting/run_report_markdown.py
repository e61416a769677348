"""The report of a run as Markdown: where there is no tracker, and in pull requests."""

from collections.abc import Sequence

from padstal.reporting.run_report import Block, Curves, Grid, Points, Section, Text
from padstal.reporting.table import markdown_table
from padstal.reporting.text import escape_markdown


def report_markdown(title: str, blocks: Sequence[Block]) -> str:
    """The whole page; texts are escaped, so nothing in them is markup."""
    return "\n\n".join([f"# {escape_markdown(title)}", *map(_block, blocks)]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Section(title):
            return f"## {escape_markdown(title)}"
        case Text(text):
            return escape_markdown(text)
        case Points(items):
            return "\n".join(f"- {escape_markdown(item)}" for item in items)
        case Grid(table):
            return markdown_table(table)
        case Curves(_, _, ends):
            return markdown_table(ends)
