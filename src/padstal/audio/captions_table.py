"""A captions table (CSV, JSONL or Parquet): what is known about the files of a folder."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from padstal.audio import rejection

COLUMNS = ("path", "caption", "tags", "artist", "album", "title", "licence", "source_url")
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of writing around what follows."""


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


@dataclass(frozen=True)
class Table:
    """Rows by path, and those that cannot be used as (path, reason, detail)."""

    rows: dict[str, Row]
    refused: list[tuple[str, str, str]]


def read_captions(path: Path) -> Table:
    """A captions table; other columns than `COLUMNS` are left alone.

    Raises:
        ValueError: Not CSV, JSONL or Parquet, no column `path`, or not UTF-8.
    """
    rows: dict[str, Row] = {}
    refused = []
    for number, raw in enumerate(_records(path), start=1):
        row = _row(raw)
        if not inside(row.path):
            refused.append((row.path, rejection.OUTSIDE, f"row {number}: expected a relative path within the folder"))
            continue
        key = str(PurePosixPath(row.path))
        if key in rows:
            refused.append((key, rejection.REPEATED, f"row {number}: an earlier row has this path and is used"))
            continue
        rows[key] = row
    return Table(rows, refused)


def inside(path: str) -> bool:
    """Whether a relative path stays in its folder."""
    pure = PurePosixPath(path)
    return bool(pure.parts) and "\0" not in path and not pure.is_absolute() and ".." not in pure.parts


def unfit(text: str) -> bool:
    """Whether a path holds control characters or such as turn the direction of writing: what it shows is not its name."""
    return any(character < " " or "\x7f" <= character <= "\x9f" or character in DIRECTIONS for character in text)


def split_tags(tags: str) -> str:
    """Tags separated by ";" or "," as one string with ", "."""
    return ", ".join(tag for part in tags.split(";") for tag in (piece.strip() for piece in part.split(",")) if tag)


def _records(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        match path.suffix.lower():
            case ".csv":
                with path.open(encoding="utf-8-sig", newline="") as file:
                    reader = csv.DictReader(file)
                    _need_path(path, reader.fieldnames or ())
                    return list(reader)
            case ".jsonl":
                lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
                records = [json.loads(line) for line in lines]
                for record in records:
                    _need_path(path, record if isinstance(record, dict) else ())
                return records
            case ".parquet":
                import pandas as pd

                table = pd.read_parquet(path)
                _need_path(path, table.columns)
                return [dict(zip(table.columns, values, strict=True)) for values in table.itertuples(index=False)]
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable captions table: {error}") from None
    raise ValueError(f"{path}: expected a captions table that ends in .csv, .jsonl or .parquet")


def _need_path(path: Path, columns: Iterable[str]) -> None:
    names = list(columns)
    if "path" not in names:
        raise ValueError(f"{path}: no column 'path' among {', '.join(map(str, names)) or 'none'}")


def _row(raw: Mapping[str, Any]) -> Row:
    text = {name: _text(raw.get(name)) for name in COLUMNS}
    return Row(**{**text, "tags": split_tags(text["tags"])})


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        return ", ".join(str(item) for item in value)
    return " ".join(str(value).split())
