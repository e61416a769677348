"""A captions table (CSV, JSONL or Parquet): what is known about the files of a folder.

Columns: `path` (relative to the folder, with "/"; `row_match` finds what is written otherwise), and any of `caption`,
`tags` (joined by "," or ";", or a list), `artist`, `album`, `title`, `licence`, `source_url`, `sha256` (of the file);
others are left alone. Text is UTF-8. A row that cannot be read costs no other row.

The licence of a source is for files of which its table says nothing. So a file has none where its row cannot be read,
where rows disagree, where a row may be its own or another's, and, if it has no row, where some row fits no file. A row
that names what is passed over speaks of no other file.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padstal.core.secrets import without_passwords
from padstal.ingest import rejection
from padstal.ingest.cells import bare_digest, flat, shorten, split_tags, stated_licence, visible, without_null
from padstal.ingest.row_match import CONTROL, NOTES, FileNames, Finding, Step, unfit, written_parts
from padstal.ingest.table_records import flattened, licence_like, records
from padstal.rights.licence import normalise
from padstal.rights.terms import terms_of

COLUMNS = ("path", "caption", "tags", "artist", "album", "title", "licence", "source_url")
"""Of the table that the project writes itself."""
LONGEST_TEXT = 20_000
"""Characters of a cell."""
_READ = (*COLUMNS, "sha256")
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
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
    sha256: str = ""

    def __post_init__(self) -> None:
        """An address that is public must hold no password: credits and model cards repeat it."""
        object.__setattr__(self, "source_url", without_passwords(self.source_url))


@dataclass(frozen=True)
class Table:
    """What a source's table says.

    Attributes:
        rows: By the path of the file.
        refused: Rows that cannot be used as (path, reason, detail).
        barred: Files with a row that gives them no licence, and why; they do not have the source's either.
        notes: How the row of a file was found, where its path is written otherwise.
        twins: Files whose row may be that of a file with a like name, and that file: both are the row's if their bytes
            are the same.
        unlisted: Why files without a row do not have the source's licence; "" where they do.
        strays: Rows that fit no file, by their loosened names, to be shown beside a file without a row.
    """

    rows: dict[str, Row]
    refused: list[tuple[str, str, str]]
    barred: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    unlisted: str = ""
    strays: dict[str, str] = field(default_factory=dict)

    def no_licence(self, path: str) -> str:
        """Why a file may have neither a row's licence nor the source's; "" where it may have one."""
        if path in self.barred:
            return self.barred[path]
        if path in self.rows or not self.unlisted:
            return ""
        near = self.strays.get(_loosened(path), "")
        return f"{visible(path)}: {self.unlisted}{f'; near: {near}' if near else ''}"


@dataclass(frozen=True)
class _Claim:
    """A row that names a file; `row` is `None` where it cannot be read."""

    number: int
    written: str
    step: Step
    row: Row | None


def read_captions(path: Path, files: Iterable[str], passed_over: Iterable[str] = ()) -> Table:
    """A captions table, its rows held against the names of the folder's files and of what is passed over there.

    Raises:
        ValueError: Not CSV, JSONL or Parquet, no column `path`, or not one row that can be read among some.
    """
    reader = _Reader(path.name, FileNames(files, passed_over))
    for record in records(path, _READ):
        reader.take(*record)
    table = reader.table()
    if table.refused and not reader.usable:
        name, _, why = table.refused[0]
        raise ValueError(f"{path}: none of {len(table.refused)} rows can be used; the first, {visible(name)}: {why}")
    return table


class _Reader:
    """Rows as they come in, and the files that they claim."""

    def __init__(self, table: str, names: FileNames):
        self._table = table
        self._names = names
        self._claims: defaultdict[str, list[_Claim]] = defaultdict(list)
        self._several: dict[str, str] = {}
        self._refused: list[tuple[str, str, str]] = []
        self._strays: dict[str, str] = {}
        self._first_stray = ""
        self._stray_count = 0
        self.usable = 0
        """Rows that name a file, or could."""

    def take(self, number: int, raw: Mapping[str, Any], why: str) -> None:
        """Row `number` with its cells; `why` says what is wrong with it, "" for nothing."""
        row, written = None, raw.get("path")
        if not why:
            try:
                row = _row(raw)
            except ValueError as error:
                why = str(error)
        shown = shorten(written) if isinstance(written, str) and written else f"{self._table}, row {number}"
        finding = self._names.find(written) if isinstance(written, str) else Finding((), Step.END, False)
        said = f"row {number}, {visible(written)}" if isinstance(written, str) else f"row {number}"
        self.usable += bool(finding.files) or (row is not None and finding.relative)
        if row is None:
            self._refused.append((shown, rejection.MALFORMED, f"row {number}: {why}"))
        if finding.files and self._names.passed_over.issuperset(finding.files):
            return
        if len(finding.files) == 1:
            self._claims[finding.files[0]].append(_Claim(number, str(written), finding.step, row))
        elif finding.files:
            others = ", ".join(visible(name) for name in finding.files[:3])
            self._ambiguous(shown, finding.files, f"{said} fits {len(finding.files)} files, such as {others}")
        else:
            self._stray(said, shown)
            if row is not None and finding.relative:
                self._refused.append((shown, rejection.MISSING, f"{said} names a file that is not there"))
            elif row is not None:
                expected = 'expected a relative path with "/" within the folder, or one that ends as a file\'s does'
                if unfit(str(written)):
                    expected = "expected a path without control characters or such as turn the direction of writing"
                self._refused.append((shown, rejection.OUTSIDE, f"{said}: {expected}"))

    def table(self) -> Table:
        """What the rows say."""
        rows, barred, notes, twins = {}, {}, {}, {}
        for file, claims in self._claims.items():
            by_name = [claim for claim in claims if claim.step < Step.END]
            if by_name:
                for claim in claims:
                    if claim.step is Step.END:
                        self._has_its_own(file, claim)
            elif file in self._several or len({written_parts(claim.written) for claim in claims}) > 1:
                said = " and ".join(f"row {claim.number}, {visible(claim.written)}" for claim in claims[:3])
                for claim in claims:
                    self._ambiguous(shorten(claim.written), (file,), f"{said} all fit {visible(file)}")
                continue
            first, *others = sorted(by_name or claims, key=lambda claim: (claim.step, claim.number))
            self._refused += [
                (file, rejection.REPEATED, f"row {claim.number}: row {first.number} names this file and is used")
                for claim in others
                if claim.row is not None
            ]
            why = _disagreement([first, *others])
            if why:
                barred[file] = f"{self._table}: {why}"
            if first.row is not None:
                rows[file] = first.row
                notes.update({file: NOTES[first.step]} if first.step in NOTES else {})
        for file in dict.fromkeys([*rows, *barred]):
            for twin in self._names.twins(file):
                if twin not in self._claims:
                    twins[twin] = "" if twin in self._several else file
                    self._several.setdefault(twin, f"the row of {visible(file)} may be its own: {visible(twin)}")
        barred.update({file: why for file, why in self._several.items() if file not in rows and file not in barred})
        unlisted = ""
        if self._stray_count:
            rest = f" and {self._stray_count - 1} more" if self._stray_count > 1 else ""
            unlisted = f"no row of {self._table} names it, and {self._first_stray}{rest} fits no file"
        return Table(rows, self._refused, barred, notes, twins, unlisted, self._strays)

    def _ambiguous(self, shown: str, files: Iterable[str], why: str) -> None:
        self._refused.append((shown, rejection.AMBIGUOUS, f"{why}: expected one file for one row"))
        for file in files:
            self._several.setdefault(file, f"{self._table}: {why}")

    def _has_its_own(self, file: str, claim: _Claim) -> None:
        said = f"row {claim.number}, {visible(claim.written)}"
        self._stray(said, claim.written)
        why = f"{said} names a file that is not there; {visible(file)} has a row of its own"
        self._refused.append((shorten(claim.written), rejection.MISSING, why))

    def _stray(self, said: str, written: str) -> None:
        self._stray_count += 1
        self._first_stray = self._first_stray or said
        self._strays.setdefault(_loosened(written), said)


def _disagreement(claims: list[_Claim]) -> str:
    """Why the rows of one file give it no licence; "" where they give one."""
    unreadable = [str(claim.number) for claim in claims if claim.row is None]
    if unreadable:
        return f"row {', '.join(unreadable)} about it cannot be read"
    licences = {normalise(claim.row.licence) if claim.row.licence else "" for claim in claims if claim.row}
    if len(licences) == 1:
        return ""
    said = ", ".join(f"{claim.row.licence!r} in row {claim.number}" for claim in claims[:5] if claim.row)
    return f"rows disagree about its licence: {said}"


def _loosened(name: str) -> str:
    """Letters and digits of a file's name, to find names that look alike."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", last).casefold()))


def _row(raw: Mapping[str, Any]) -> Row:
    path = raw.get("path")
    if not isinstance(path, str):
        raise ValueError(f"a path that is {type(path).__name__}: expected text")
    text = {name: _text(name, raw.get(name)) for name in _READ[1:]}
    found = {name: without_null(value) for name, value in text.items()}
    found["licence"] = stated_licence(text["licence"])
    others = flattened({name: raw[name] for name in raw if name not in _READ} if not found["licence"] else {})
    elsewhere = next((name for name, value in others if _may_say_licence(name, value)), "")
    if elsewhere:
        raise ValueError(f"no licence, but {shorten(elsewhere)!r} says something: expected it in the column `licence`")
    found["sha256"] = bare_digest(found["sha256"])
    if found["sha256"] and not _SHA256.fullmatch(found["sha256"]):
        raise ValueError(f"sha256 {shorten(found['sha256'])!r}: expected 64 hexadecimal digits")
    return Row(path=path, **found)


def _may_say_licence(name: str, value: Any) -> bool:
    """Whether a cell of another column than `licence` has its row's licence, by that column's name or by itself."""
    if licence_like([name]):
        return bool(stated_licence(_text(name, value)))
    return isinstance(value, str) and terms_of(value) is not None


def _text(name: str, value: Any) -> str:
    """A cell as text in one line, without control characters.

    Raises:
        ValueError: Neither text, number nor nothing (tags may be a list), or too long.
    """
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if name == "tags" and isinstance(value, list):
        items = (item.get("name") if isinstance(item, dict) else item for item in value)
        value = ", ".join(flat(_text("a tag", item) for item in items))
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{name} that is {type(value).__name__}: expected text")
    text = str(value)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{name} of {len(text)} characters: expected at most {LONGEST_TEXT}")
    if name == "tags":
        text = ", ".join(split_tags(text))
    return " ".join(CONTROL.sub("", " ".join(text.split())).split())
