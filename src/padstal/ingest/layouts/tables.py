"""What published tables have in common: how they are found, read row by row, cleaned, and what becomes of bad rows.

Tables are read as streams, and only rows whose audio is there are kept, so that memory grows with the audio at hand
and not with the table (AudioSet lists two million rows).
"""

import ast
import csv
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from padstal.ingest import rejection
from padstal.ingest.captions_table import Row, Table
from padstal.ingest.cells import flat, shorten, without_null

LONGEST_FIELD = 1 << 20
"""Characters in a field or a line; the longest of the Free Music Archive's biographies are some ten thousand."""
LONGEST_LIST = 10_000
"""Characters of a field that holds a Python list."""
LISTED_MISSING = 1_000
"""Rows without audio that are named one by one; the rest are counted."""
_ESCAPED = re.compile("[\ud800-\udfff]")  # what `surrogateescape` makes of bytes that are no UTF-8


Rows = Iterator[tuple[int, list[str]]]
"""(number from 1, fields) of each."""


class Reading:
    """Rows of a layout as they come in, and what is wrong with the others."""

    def __init__(self, table: str):
        self._table = table
        self._rows: dict[str, Row] = {}
        self._refused: list[tuple[str, str, str]] = []
        self._barred: dict[str, str] = {}
        self._missing = 0

    def take(self, audio: Iterable[str], row: Row, number: int) -> None:
        """Row `number` of the table says this about each of the files `audio`."""
        for path in audio:
            if path not in self._rows:
                self._rows[path] = replace(row, path=path)
                continue
            self._refused.append((path, rejection.REPEATED, f"{self._table}, row {number}: an earlier row is used"))
            if self._rows[path].licence != row.licence:
                self._barred[path] = f"{self._table}, row {number}: an earlier row names another licence"

    def malformed(self, name: str, number: int, why: str, audio: Iterable[str] = ()) -> None:
        """Row `number` about `name` cannot be read; its files `audio` then have no licence."""
        self._refused.append((shorten(name), rejection.MALFORMED, shorten(f"{self._table}, row {number}: {why}")))
        self.bar(audio, f"{self._table}, row {number} about it cannot be read")

    def bar(self, audio: Iterable[str], why: str) -> None:
        """These files have no licence, neither a row's nor the source's."""
        self._barred.update(dict.fromkeys(audio, shorten(why)))

    def missing(self, name: str, number: int) -> None:
        """Row `number` names audio that is not there."""
        self._missing += 1
        if self._missing <= LISTED_MISSING:
            why = f"{self._table}, row {number}: names audio that is not there"
            self._refused.append((name, rejection.MISSING, why))

    def table(self) -> Table:
        """All that was read."""
        rest = self._missing - LISTED_MISSING
        counted = [(self._table, rejection.MISSING, f"{rest} more rows name audio that is not there")]
        refused = self._refused + (counted if rest > 0 else [])
        return Table(self._rows, refused, self._barred, unlisted=f"no row of {self._table} names it")


def find(files: Sequence[str], *names: str) -> str:
    """The path of a published table, wherever it lies in the tree: the first of `names` that is there.

    Raises:
        FileNotFoundError: There is none.
        ValueError: There are two of one name.
    """
    for name in names:
        found = optional(files, name)
        if found:
            return found
    raise FileNotFoundError(f"{' or '.join(names)}: no such table in the dataset's folder; it is published with it")


def optional(files: Sequence[str], name: str) -> str:
    """The path of the one table of that name; "" where there is none.

    Raises:
        ValueError: There are two.
    """
    found = [path for path in files if PurePosixPath(path).name == name]
    if len(found) > 1:
        raise ValueError(f"{name}: expected one table of that name, found {found[0]} and {found[1]}")
    return found[0] if found else ""


def csv_rows(path: Path, delimiter: str = ",", spaced: bool = False) -> Rows:
    """(number from 1, fields) of each row that is not empty, quoted fields undone; bytes that are no UTF-8 as escapes.

    Args:
        path: The table.
        delimiter: Between fields.
        spaced: Fields may have a space before them.

    Raises:
        ValueError: The table cannot be taken apart into rows.
    """
    with _long_fields(), path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = iter(partial(file.readline, LONGEST_FIELD), "")
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced)
        try:
            for number, fields in enumerate(reader, start=1):
                if fields:
                    yield number, fields
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: not a readable table: {error}") from None


def headed(path: Path, names: Sequence[str], delimiter: str = ",") -> Iterator[tuple[int, str, list[str]]]:
    """Number of each row below the header, what makes it unreadable, and its columns `names`; "" for nothing.

    Raises:
        ValueError: A column is not there, or the table cannot be taken apart into rows.
    """
    rows = csv_rows(path, delimiter)
    header = next(rows, (0, []))[1]
    at = columns(path, header, names)
    for number, fields in rows:
        yield number, flaw(fields, len(header)), [fields[place] if place < len(fields) else "" for place in at]


def tab_rows(path: Path) -> Rows:
    """(number from 1, fields) of each line of a tab-separated table; a field may be quoted, never across lines."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(iter(partial(file.readline, LONGEST_FIELD), ""), start=1):
            line = line.rstrip("\r\n")
            if line:
                yield number, [_unquoted(field) for field in line.split("\t")]


def columns(path: Path, header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where the columns `names` stand.

    Raises:
        ValueError: One of them is not in the header.
    """
    absent = [name for name in names if name not in header]
    if absent or flaw(header, len(header)):
        shown = shorten(", ".join(header[:12])) or "nothing"
        raise ValueError(f"{path}: expected columns {', '.join(absent or names)}; its header has {shown}")
    return [list(header).index(name) for name in names]


def flaw(fields: Sequence[str], width: int) -> str:
    """What makes a row unreadable; "" where nothing does."""
    if len(fields) != width:
        return f"{len(fields)} fields, expected {width}"
    return "" if all(field.isascii() or not _ESCAPED.search(field) for field in fields) else "not UTF-8"


def number_of(field: str) -> int | None:
    """A whole number of at most twelve digits; `None` for anything else."""
    return int(field) if re.fullmatch("[0-9]{1,12}", field) else None


def clean(field: str) -> str:
    """A field as plain text: no HTML, no entities, one space for any run of white space, "" for a null word."""
    return without_null(" ".join(html.unescape(re.sub(r"<[A-Za-z/!][^<>]*>", " ", field)).split()))


def listed(field: str) -> list[str]:
    """Items of a field that holds a Python list, such as "[21, 12]" or "['lo-fi', 'punk']".

    Raises:
        ValueError: It holds something else.
    """
    if not field.strip():
        return []
    try:
        items = ast.literal_eval(field.strip()) if len(field) <= LONGEST_LIST else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str | int) for item in items):
        raise ValueError(f"{field[:60]!r}: expected a list such as [21, 12]")
    return [str(item) for item in items]


def as_tags(tags: Iterable[str]) -> str:
    """Tags joined by ", ", each once; a tag with a comma is as many tags."""
    return ", ".join(dict.fromkeys(flat(clean(tag) for tag in tags)))


def audio_by_key(files: Sequence[str], pattern: re.Pattern[str]) -> Mapping[str, list[str]]:
    """Audio files by the group `key` of `pattern`, which the whole path must match."""
    found: dict[str, list[str]] = {}
    for path in files:
        match = pattern.fullmatch(path)
        if match:
            found.setdefault(match["key"], []).append(path)
    return found


def _unquoted(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
