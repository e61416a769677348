"""Great Expectations' data docs, made so that two builds from equal data are equal byte for byte.

Its pages carry the time of the run, of loading and of drawing, and random ids of collapsible boxes. The run is given
one fixed time; the rest is rewritten after drawing.

Its pages also fetch styles, scripts and an image from eight servers abroad, and are bare without them. All scripts,
links and images go; `data_docs.css` (its class names are Great Expectations' own) takes their place: a box opens when
its link is followed, and "Failed Only" hides what holds. The first page is ours, since theirs is a script. So the pages
can be read without a network and tell nobody of it; a policy in each page forbids the rest.

It writes values as they are: a caption or path with markup in it would become part of the page. So text is escaped
before it is checked, which alters neither equality nor emptiness, and is all that the suites ask of text.
"""

import html
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

RUN_NAME = "run"
FIXED = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands for the time of every run; the pages say "not kept" in its place."""
NOT_KEPT = "not kept"
STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
"""How folders, links and tables of the pages have a time."""
SHOWN_TIME = re.compile(r"(?:1999-12-31|2000-01-01)[T ]\d{2}:\d{2}:\d{2}(?:Z|\+00:00| [A-Z+\-0-9]{2,6})?")
"""How they show `FIXED`, in whatever time zone this machine lies."""
FOREIGN = re.compile(
    r"<(script|style|footer)\b[^>]*>.*?</\1\s*>|<link\b[^>]*>|<img\b[^>]*>|\sonclick=\"[^\"]*\"|<!--.*?-->",
    re.DOTALL | re.IGNORECASE,
)
"""What brings in something from elsewhere, or needs a script."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A browser that reads this asks no server for anything, and runs no script, whatever the page says."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def site(folder: Path) -> dict[str, Any]:
    """Great Expectations' configuration of a site in `folder`."""
    return {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with its text escaped for a page; `html.unescape` brings it back."""
    texts = [name for name in table if pd.api.types.is_string_dtype(table[name]) or table[name].dtype == object]
    return table.assign(**{str(name): table[name].map(_escaped) for name in texts})


def _escaped(value: Any) -> Any:
    return html.escape(value) if isinstance(value, str) else value


def run_id() -> Any:
    """The one name and time that every run has."""
    from great_expectations.core.run_identifier import RunIdentifier

    return RunIdentifier(run_name=RUN_NAME, run_time=FIXED)


def settle(folder: Path, counts: Mapping[str, tuple[int, int]]) -> None:
    """Take out of the pages in `folder` what differs from run to run and what is elsewhere, and write the first page.

    Args:
        folder: Of the site.
        counts: Table → how many of its expectations hold, and how many there are.
    """
    shutil.rmtree(folder / "static", ignore_errors=True)
    for named in sorted(folder.rglob("*"), reverse=True):
        if named.is_dir() and STAMP.fullmatch(named.name):
            named.rename(named.with_name(RUN_NAME))
    for page in sorted(folder.rglob("*.html")):
        page.write_text(settled(page.read_text(encoding="utf-8")), encoding="utf-8")
    rows = "\n".join(_row(folder, table, *count) for table, count in sorted(counts.items()))
    (folder / "index.html").write_text(_index(rows), encoding="utf-8")


def settled(page: str) -> str:
    """One page without times, random ids, and anything from elsewhere."""
    page = FOREIGN.sub("", page)
    page = page.replace("</head>", f"{_head()}</head>", 1)
    page = STAMP.sub(RUN_NAME, page)
    page = SHOWN_TIME.sub(NOT_KEPT, page)
    numbers: dict[str, str] = {}
    return UUID.sub(lambda match: numbers.setdefault(match.group(), f"box-{len(numbers)}"), page)


def _row(folder: Path, table: str, held: int, asked: int) -> str:
    [result] = sorted((folder / "validations" / table).rglob("*.html"))
    verdict = "all hold" if held == asked else f"{asked - held} of {asked} broken"
    return (
        f'<tr><td>{html.escape(table)}</td><td class="{"held" if held == asked else "broken"}">{verdict}</td>'
        f'<td><a href="{result.relative_to(folder).as_posix()}">results</a></td>'
        f'<td><a href="expectations/{table}.html">{asked} expectation{"s" * (asked != 1)}</a></td></tr>'
    )


def _head() -> str:
    """What goes into the head of each page."""
    style = (files("padstal.curation.expectations") / "data_docs.css").read_text(encoding="utf-8")
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>\n{style}</style>'
    )


def _index(rows: str) -> str:
    """The first page, around the rows of its table."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data docs</title>{_head()}</head>
<body><main>
<h1>Data docs</h1>
<p>What was expected of the data, and what became of it. Drawn by Great Expectations.</p>
<table><thead><tr><th>Table</th><th>Verdict</th><th>Found</th><th>Asked</th></tr></thead><tbody>
{rows}
</tbody></table>
</main></body>
</html>
"""
