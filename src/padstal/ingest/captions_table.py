"""A captions table (CSV, JSONL or Parquet): what is known about the files of a folder.

Columns: `path` (relative to the folder, with "/"), and any of `caption`, `tags` (joined by "," or ";", or a list),
`artist`, `album`, `title`, `licence`, `source_url`; others are left alone. Text is UTF-8. A row that cannot be read
costs no other row, and the file that it names then has no licence, lest the folder's take the place of an unread one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from padstal.core.secrets import without_passwords
from padstal.ingest import rejection
from padstal.ingest.table_records import BrokenRecord, records

COLUMNS = ("path", "caption", "tags", "artist", "album", "title", "licence", "source_url")
LONGEST_TEXT = 20_000
"""Characters of a cell."""
LONGEST_SHOWN = 300
UNREADABLE_ROW = "[the row cannot be read]"
"""Stands for the licence of a file whose row cannot be read."""
ROWS_DISAGREE = "[rows disagree]"
"""Stands for the licence of a file that two rows give different ones."""
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of writing around what follows."""
_CONTROL = re.compile(f"[\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff{DIRECTIONS}]")
_DRIVE = re.compile("[A-Za-z]:")


@dataclass(frozen=True)
class Row:
    """What a table says about one file; "" where it says nothing. `tags` are joined by ", "."""

    path: str = ""
    caption: str = ""
    tags: str = ""
    artist: str = ""
    album: str = ""
    title: str = ""
    licence: str = ""
    source_url: str = ""

    def __post_init__(self) -> None:
        """An address that is public must hold no password: credits and model cards repeat it."""
        object.__setattr__(self, "source_url", without_passwords(self.source_url))


@dataclass(frozen=True)
class Table:
    """Rows by path, and those that cannot be used as (path, reason, detail)."""

    rows: dict[str, Row]
    refused: list[tuple[str, str, str]]


def read_captions(path: Path) -> Table:
    """A captions table.

    Raises:
        ValueError: Not CSV, JSONL or Parquet, no column `path`, or not one row that can be read among some.
    """
    rows: dict[str, Row] = {}
    refused: list[tuple[str, str, str]] = []
    for record in records(path, COLUMNS):
        if isinstance(record, BrokenRecord):
            number, raw, why = record.number, record.values, record.why
        else:
            (number, raw), why = record, ""
        name = raw.get("path")
        shown = shorten(name) if isinstance(name, str) and name else f"{path.name}, row {number}"
        try:
            row = _row(raw) if not why else Row()
        except ValueError as error:
            row, why = Row(), str(error)
        if why or not isinstance(name, str):
            refused.append((shown, rejection.MALFORMED, f"row {number}: {why}"))
            if isinstance(name, str) and inside(name):
                rows.setdefault(str(PurePosixPath(name)), Row(path=name, licence=UNREADABLE_ROW))
            continue
        if not inside(name):
            refused.append(
                (shown, rejection.OUTSIDE, f'row {number}: expected a relative path with "/" within the folder')
            )
            continue
        key = str(PurePosixPath(row.path))
        if key in rows:
            refused.append((key, rejection.REPEATED, f"row {number}: an earlier row has this path and is used"))
            if rows[key].licence != row.licence:
                rows[key] = replace(rows[key], licence=ROWS_DISAGREE)
            continue
        rows[key] = row
    if refused and not rows:
        name, _, why = refused[0]
        raise ValueError(f"{path}: none of {len(refused)} rows can be used; the first, {name!r}: {why}")
    return Table(rows, refused)


def inside(path: str) -> bool:
    """Whether a path is relative, stays in its folder and is written as on Unix: no drive, no address, no backslash."""
    pure = PurePosixPath(path)
    foreign = "\\" in path or "://" in path or _DRIVE.match(path)
    return bool(pure.parts) and not (unfit(path) or foreign or pure.is_absolute() or ".." in pure.parts)


def unfit(text: str) -> bool:
    """Whether a path holds control characters or such as turn the direction of writing: it does not show its name."""
    return _CONTROL.search(text) is not None


def split_tags(tags: str) -> str:
    """Tags separated by ";" or "," as one string with ", "."""
    return ", ".join(tag for part in tags.split(";") for tag in (piece.strip() for piece in part.split(",")) if tag)


def shorten(text: str) -> str:
    """The start of a text that may be long or odd, to be shown."""
    return text[:LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()


def _row(raw: Mapping[str, Any]) -> Row:
    path = raw.get("path")
    if not isinstance(path, str):
        raise ValueError(f"a path that is {type(path).__name__}: expected text")
    text = {name: _text(name, raw.get(name)) for name in COLUMNS[1:]}
    return Row(path=path, **{**text, "tags": split_tags(text["tags"])})


def _text(name: str, value: Any) -> str:
    """A cell as text in one line, without control characters.

    Raises:
        ValueError: Neither text, number nor nothing (tags may be a list), or too long.
    """
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if name == "tags" and isinstance(value, list):
        return ", ".join(_text("a tag", item) for item in value)
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{name} that is {type(value).__name__}: expected text")
    text = str(value)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{name} of {len(text)} characters: expected at most {LONGEST_TEXT}")
    return " ".join(_CONTROL.sub("", " ".join(text.split())).split())
