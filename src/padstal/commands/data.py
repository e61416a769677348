"""`padstal data`: what the dataset holds, and everything that is known of any clip; reads, never writes.

Where the output is no terminal, lists come as tab-separated lines.
"""

import io
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from padstal.commands.project import paths_of
from padstal.commands.terminal import shown
from padstal.reporting import data_view
from padstal.reporting.captions_view import decision_table
from padstal.reporting.catalogue import COLUMN_OF, QUARANTINED, REMOVED, Catalogue, find, read_catalogue
from padstal.reporting.clip_view import Facts, clip_facts, file_facts
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import duration, number, visible

LISTED = (
    ("item", "id"),
    ("fate", "fate"),
    ("reason", "reason"),
    ("split", "split"),
    ("artist", "artist"),
    ("licence", "licence"),
    ("quality_level", "level"),
    ("pmos", "p-MOS"),
    ("decision", "decision"),
    ("caption", "caption"),
    ("path", "path"),
)
SEARCHED = ("item", "path", "artist", "album", "title", "tags", "written", "original", "caption", "detail")
WIDE = 150
"""Characters of a terminal that has room for all columns."""
ROOMY = ("path", "licence", "pmos")
"""Columns that narrower ones go without."""
WHOLE = ("id", "fate", "split", "licence", "level", "p-MOS")
"""Columns that are not folded."""
STATE_LOOKS = {"done": "good", "stale": "warn", "not run": ""}


def overview(root: Path, scale: str | None) -> int:
    """Print what the scale's data hold and how far the pipeline has come.

    Raises:
        FileNotFoundError: Nothing was ingested.
    """
    catalogue = read_catalogue(paths_of(root, scale))
    inputs, console = catalogue.inputs, _console()
    hours = inputs.manifest["clip_seconds"].sum() / 3600 if inputs.manifest is not None else 0
    console.print(f"[bold]{inputs.scale} scale[/bold]: {number(len(catalogue.clips))} clips, {hours:.2f} h of audio")
    come = tuple((one.stage, Cell(one.state, look=STATE_LOOKS[one.state]), one.tells) for one in catalogue.standing)
    _print(console, "How far the pipeline has come", Table(("stage", "state", "what it tells of the data"), come))
    if stale := [one.stage for one in catalogue.standing if one.state == "stale"]:
        console.print(f"[yellow]stale[/yellow]: {', '.join(stale)} tell of other sources or clips than there are now")
    if foreign := [one.stage for one in catalogue.standing if one.foreign]:
        where = f"reports/{inputs.scale}"
        console.print(f"figures in {where} of {', '.join(foreign)} came with git and are of other data; not shown here")
    _print(console, "Sources", sources(catalogue))
    for title, table in (
        ("Splits, brought in → kept after curation", data_view.counts(inputs)),
        ("Licences of kept clips" if inputs.dataset is not None else "Licences", data_view.licences(inputs.curated)),
        ("Quarantine", data_view.reasons(inputs.quarantine, "files")),
        ("Curation took", data_view.reasons(inputs.removed, "clips")),
        ("Caption decisions", decision_table(inputs)),
        ("Quality levels", data_view.quality_levels(inputs)),
        ("What the likelihood cut took most of", data_view.genre_loss(inputs)),
    ):
        if table.rows:
            _print(console, title, table)
    if catalogue.next_stage:
        console.print(f"next: `dvc repro {catalogue.next_stage}`")
    return 0


def sources(catalogue: Catalogue) -> Table:
    """Files by source and what became of them, so that in = kept + quarantined + duplicates + filtered.

    A file with a kept clip is kept; rows of tables without a file count as neither; before curation, all files that
    gave clips are kept.
    """
    from padstal.curation.ledger import account
    from padstal.ingest.rejection import NO_FILE_REASONS

    rows = []
    of_source = list(catalogue.items.groupby("source"))
    for name, items in [*of_source, ("all", catalogue.items)] if len(of_source) > 1 else of_source:
        refused, gone = (items[items["fate"] == fate] for fate in (QUARANTINED, REMOVED))
        clips = items[items["fate"] != QUARANTINED]
        files = clips["track_id"].nunique() + int((~refused["reason"].isin(NO_FILE_REASONS)).sum())
        came = {"files": files, "clips": len(clips)}
        became = account(came, refused, clips.drop(gone.index), gone)["all_files"].as_json()
        seconds = float(clips["clip_seconds"].sum())
        rows.append((str(name), *(number(became[fate]) for fate in data_view.FATES), duration(seconds)))
    head = ("source", "files in", "kept", "quarantined", "duplicates", "filtered", "clips' audio")
    return Table(head, tuple(rows), (False, *(True for _ in head[1:])))


def listing(root: Path, scale: str | None, asked: Mapping[str, str], search: str, sort: str, limit: int) -> int:
    """Print the first items, or all if `limit` is 0, that `choose` gives for the rest.

    Raises:
        FileNotFoundError: Nothing was ingested.
        ValueError: A column or value that there is not, or that no stage has told yet.
    """
    catalogue = read_catalogue(paths_of(root, scale))
    chosen = choose(catalogue, asked, search, sort)
    some = chosen.head(limit) if limit else chosen
    columns = [(name, head) for name, head in LISTED if name in some and some[name].fillna("").astype(str).any()]
    console = _console()
    if not console.is_terminal:
        table = _rows(columns, some)
        for line in (table.head, *table.rows):
            print("\t".join(line))
        return 0
    if console.width < WIDE:
        columns = [(name, head) for name, head in columns if name not in ROOMY]
    refused = len(catalogue.items) - len(catalogue.clips)
    title = f"{catalogue.inputs.scale}: {number(len(catalogue.clips))} clips, {number(refused)} refused files"
    _print(console, title, _rows(columns, some))
    hint = "" if len(some) == len(chosen) else "; --limit 0 shows all"
    console.print(f"{number(len(some))} of {number(len(chosen))} shown{hint}")
    return 0


def choose(catalogue: Catalogue, asked: Mapping[str, str], search: str = "", sort: str = "") -> pd.DataFrame:
    """The items that say just what is `asked` and hold `search`, in the order of a column; "" asks for nothing.

    Raises:
        ValueError: A column or value that there is not, or that no stage has told yet.
    """
    items = catalogue.items
    for name, wanted in asked.items():
        if wanted:
            items = items[_equal(catalogue, name, wanted).loc[items.index]]
    if search:
        texts = [items[name].fillna("").astype(str) for name in SEARCHED if name in items]
        found = [text.str.contains(search, case=False, regex=False) for text in texts]
        items = items[np.logical_or.reduce(found)]
    if sort:
        column = sort.removeprefix("-")
        if column not in items:
            raise ValueError(f"--sort {sort}: {_untold(column, items)}")
        items = items.sort_values(column, ascending=column == sort, kind="stable", na_position="last")
    return items


def _equal(catalogue: Catalogue, name: str, asked: str) -> pd.Series:
    """Where the column of that option says `asked`, in any letter case."""
    items, option, column = catalogue.items, f"--{name}", "quality_level" if name == "quality" else name
    asked = "0" if (name, asked) == ("quality", "unknown") else asked
    if not catalogue.knows(column):
        raise ValueError(f"{option} {asked}: {_untold(column, items)}")
    number_like = pd.api.types.is_numeric_dtype(items[column])
    texts = items[column].map(lambda content: f"{content:g}", na_action="ignore") if number_like else items[column]
    folded = texts.astype(str).str.casefold().where(texts.notna(), "")
    wanted = asked.casefold().replace(" ", "_") if column in ("reason", "decision") else asked.casefold()
    if not (folded == wanted).any():
        there = sorted(set(texts[folded != ""].astype(str)))
        more = f" and {len(there) - 12} more" if len(there) > 12 else ""
        raise ValueError(f"{option} {asked}: no such value; there are {', '.join(there[:12])}{more}")
    return folded == wanted


def _untold(column: str, items: pd.DataFrame) -> str:
    if column in COLUMN_OF:
        return f"not known yet; `dvc repro {COLUMN_OF[column]}` tells"
    return f"no such column; there are {', '.join(sorted(items))}"


def show(root: Path, wanted: str, scale: str | None, *, page: Path | None, open_page: bool) -> int:
    """Print all that is known of a clip, track or file; write its page where asked to.

    Raises:
        FileNotFoundError: Nothing was ingested.
        ValueError: No such thing, or several.
    """
    if open_page and not page:
        raise ValueError("--open opens the page that --page FILE.html writes: name a file")
    catalogue = read_catalogue(paths_of(root, scale))
    rows = find(catalogue, wanted)
    refused = rows.iloc[0]["fate"] == QUARANTINED
    console = _console()
    for facts in file_facts(catalogue, rows):
        _facts(console, facts)
    if len(rows) > 1:
        _clip_table(console, rows)
    if len(rows) == 1 and not refused:
        for facts in clip_facts(catalogue, rows.iloc[0]):
            _facts(console, facts)
    if page:
        from padstal.reporting.clip_page import write_page

        write_page(page, catalogue, rows)
        console.print(f"page: {escape(str(page))}", soft_wrap=True)
        if open_page and not webbrowser.open(page.resolve().as_uri()):
            console.print("no browser to open it with")
    return 0


def _console() -> Console:
    """A console that writes what the terminal's encoding lacks as a question mark, and colours no numbers."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False)


def _facts(console: Console, facts: Facts) -> None:
    console.print(Text(f"\n{facts.name}", "bold"))
    width = max((len(name) for name, _ in facts.pairs), default=0)
    for name, text in facts.pairs:
        console.print(Text.assemble((f"  {name:<{width}}  ", "dim"), visible(text)), soft_wrap=True)
    if facts.missing:
        console.print(Text(f"  not known yet: {facts.missing}", "dim"))


def _clip_table(console: Console, rows: pd.DataFrame) -> None:
    named = dict((*CLIP_COLUMNS, *LISTED))
    columns = [(name, head) for name, head in named.items() if name in rows and name not in SHARED]
    _print(console, "Clips; `padstal data show CLIP` tells more of one", _rows(columns, rows))


CLIP_COLUMNS = (("item", "id"), ("offset_seconds", "starts at"), ("fate", "fate"), ("reason", "reason"))
SHARED = ("split", "artist", "licence", "path")


def _rows(columns: Sequence[tuple[str, str]], items: pd.DataFrame) -> Table:
    """Columns (name, head) of some items as text."""
    rows = tuple(tuple(_cell(row[name]) for name, _ in columns) for _, row in items.iterrows())
    return Table(tuple(head for _, head in columns), rows)


def _cell(content: object) -> str:
    if content is None or (isinstance(content, float) and np.isnan(content)):
        return ""
    if isinstance(content, float):
        return f"{content:g}" if content == int(content) else f"{content:.3f}"
    return visible(str(content))


def _print(console: Console, title: str, content: Table) -> None:
    console.print(shown(content, title, WHOLE))
