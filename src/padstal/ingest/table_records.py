"""Records of a CSV, JSONL or Parquet table, one at a time; a broken one is said to be broken and the next is read.

A CSV may separate its cells by ",", ";" (as Excel does in many countries) or tabulators; its header tells which.
"""

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from padstal.ingest.containers import EXTENSIONS
from padstal.ingest.row_match import WIDTHLESS, written_parts

LONGEST_LINE = 1 << 20
"""Bytes of a line, and of a CSV record."""
MOST_ROWS = 10_000_000
"""Of a Parquet table, which may have many in a few bytes."""
BATCH_ROWS = 1024
LONGEST_RECORD_LINES = 1000
"""Lines that a quoted cell may go over before its quote counts as forgotten."""
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ",;\t"
_LICENCE_LIKE = re.compile(
    "li[csz][ea]n[cstzç]|л[иі]ценз|ライセンス|라이[선센]스|许可|許可|授权|授權|"
    "(?<!copy)rights(?!.?(?:hold|own))|(?:usage|use).?terms|terms.?of.?use|spdx"
)
"""Columns that may hold a licence, in the languages that have the word."""
_SHA256 = re.compile(r"sha.?256(?:[\W_]?(?:sums?|hash|digest|hex|checksum))?")


Record = tuple[int, Mapping[str, Any], str]
"""Its number, the first is 1; its values by column, or what can be made out of them; what is wrong, "" for nothing."""


def records(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """The records of a table, of `columns` alone as far as they are there; `path` must be among them.

    Raises:
        ValueError: Not CSV, JSONL or Parquet; no column `path`; too many rows.
    """
    readers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: expected a captions table that ends in .csv, .jsonl or .parquet")
    for number, cells, wrong in readers[path.suffix.lower()](path, columns):
        if wrong or not blank(cells.values()):
            yield number, cells, wrong


def blank(cells: Iterable[Any]) -> bool:
    """Whether nothing stands in a record, as in the empty rows that spreadsheets write."""
    return all(cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def column_name(written: Any) -> str:
    """A column by its name in small letters, without blanks around or what has no width.

    `license` is `licence`, and `SHA-256` or `sha256sum` are `sha256`.
    """
    name = WIDTHLESS.sub("", str(written)).strip().casefold()
    return "licence" if name == "license" else "sha256" if _SHA256.fullmatch(name) else name


def delimiter_of(head: str) -> str:
    """What separates the cells of a CSV with this header."""
    return max(DELIMITERS, key=head.count)


def flattened(cells: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Columns and values, and those of objects within values, as "metadata.licence"."""
    found = list(cells.items())
    for name, value in found:  # it grows
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                found += [(f"{name[:80]}.{column_name(inner)}", within) for inner, within in item.items()]
    return found


def need_columns(path: Path, names: Collection[Any], columns: Sequence[str]) -> None:
    """Raises ValueError where column `path` is missing, a column that is read stands there twice, or licences would be
    passed over."""
    try:
        need_licence(names)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if "path" not in names:
        shown = ", ".join(str(name)[:40] for name in list(names)[:20])
        raise ValueError(f"{path}: no column 'path' among {shown or 'none'}")
    twice = sorted({name for name in columns if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"{path}: column {', '.join(twice)} stands there twice: expected once")


def need_licence(names: Collection[Any]) -> None:
    """Raises ValueError where licences stand in a column of another name: they must not give way to the source's."""
    like = licence_like(names)
    if like and "licence" not in names:
        raise ValueError(f"column {like[0][:40]!r}: expected licences in a column `licence`")


def licence_like(names: Collection[Any]) -> list[str]:
    """Other columns than `licence` that may hold one, such as `license_url` or `rights`."""
    return [str(name) for name in names if name != "licence" and _LICENCE_LIKE.search(str(name))]


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines with their ends; of one longer than `LONGEST_LINE` only the start, one byte too long."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):  # leave it out
            rest = file.readline(LONGEST_LINE + 1)
        yield line


def _jsonl(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if number == 1:
                _no_wide_text(path, line)
                line = line.removeprefix(BOM)
            if not line.strip():
                continue
            try:
                if len(line) > LONGEST_LINE:
                    raise ValueError(f"longer than {LONGEST_LINE} bytes")
                found = json.loads(line.decode("utf-8"), object_pairs_hook=_distinct)
                if not isinstance(found, dict):
                    raise ValueError(f"{type(found).__name__}: expected an object")
                need_licence([name for name, _ in flattened(found)])
                yield number, found, ""
            except (ValueError, RecursionError) as error:
                yield number, {}, _short(error)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {column_name(name): value for name, value in pairs}
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _csv(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """RFC 4180 with any line end; a record that does not close its quotes costs its first line alone."""
    with path.open("rb") as file:
        first = next(_lines(file), b"")
        _no_wide_text(path, first)
        if b"\r" in first.rstrip(b"\r\n"):
            raise ValueError(f"{path}: not a readable captions table: its lines end in CR alone, expected LF or CR LF")
        try:
            head = first.removeprefix(BOM).decode("utf-8")
            delimiter = delimiter_of(head)
            header = next(csv.reader([head], delimiter=delimiter, strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path}: not a readable captions table: {error}") from None
        names = [column_name(name) for name in header]
        need_columns(path, names, columns)
        number = 1
        while True:
            start, lines, wrong = file.tell(), list[bytes](), ""
            try:
                cells = next(csv.reader(_of_record(file, lines), delimiter=delimiter, strict=True), None)
            except (csv.Error, UnicodeDecodeError) as error:
                cells, wrong = _made_out(lines[0], delimiter), _short(error)
            if cells is None:
                return
            wrong = wrong or _misread(cells, names, delimiter)
            if wrong and len(lines) > 1:  # a quote that closes lines later has swallowed them
                file.seek(start)
                lines = [next(_lines(file))]
                cells = _made_out(lines[0], delimiter)
            if cells:
                yield number, dict(zip(names, cells, strict=False)), wrong
            number += len(lines)


def _of_record(file: BinaryIO, taken: list[bytes]) -> Iterator[str]:
    """Lines as a record needs them; they are added to `taken`.

    Raises:
        csv.Error: It goes on for too long.
        UnicodeDecodeError: Not UTF-8.
    """
    length = 0
    for line in _lines(file):
        taken.append(line)
        length += len(line)
        if length > LONGEST_LINE or len(taken) > LONGEST_RECORD_LINES:
            raise csv.Error(f"longer than {LONGEST_LINE} bytes or {LONGEST_RECORD_LINES} lines: is a quote missing?")
        yield line.decode("utf-8")


def _misread(cells: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    """What is wrong with a record's cells: their number, or a forgotten quote, so that one holds other rows.

    Such a cell begins and ends in the same column, so each line of it that is a row has more cells than come before
    that column, and one of them is a path of audio in its place; lines of a caption are not so.
    """
    if len(cells) != len(names) and not blank(cells):
        return f"{len(cells)} cells: expected {len(names)}"
    at = names.index("path")
    for place, cell in enumerate(cells):
        first, *lines = cell.split("\n")
        rows = [[""] * place + first.split(delimiter), *(line.split(delimiter) for line in lines)] if lines else []
        for path in (pieces[at].strip(' "\r') for pieces in rows if at != place and len(pieces) > max(at, place)):
            if PurePosixPath("/".join(written_parts(path))).suffix.lower() in EXTENSIONS:
                return f"a cell over several lines holds a row of {path[:80]!r}: is a quote missing?"
    return ""


def _made_out(line: bytes, delimiter: str) -> list[str]:
    """What a broken line seems to say: its cells as far as there are delimiters."""
    return line[:LONGEST_LINE].decode("utf-8", "backslashreplace").rstrip("\r\n").split(delimiter)


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, thrift_string_size_limit=LONGEST_LINE * 16) as table:
            written = table.schema_arrow.names
            leaves = [table.schema.column(index) for index in range(len(table.schema))]
            within = [column_name(leaf.path) for leaf in leaves if "." in leaf.path]
            need_columns(path, [*map(column_name, written), *within], columns)
            if table.metadata.num_rows > MOST_ROWS:
                raise ValueError(f"{path}: {table.metadata.num_rows} rows: expected at most {MOST_ROWS}")
            wanted = [
                leaf.path
                for leaf in leaves
                if column_name(leaf.path.split(".")[0]) in columns
                or licence_like([column_name(leaf.path)])
                or str(leaf.logical_type) == "String"  # it may hold a licence as well
            ]
            batches = (batch.to_pylist() for batch in table.iter_batches(BATCH_ROWS, columns=wanted))
            for number, values in enumerate(chain.from_iterable(batches), start=1):
                yield number, {column_name(name): value for name, value in values.items()}, ""
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable captions table: {_short(error)}") from None


def _no_wide_text(path: Path, line: bytes) -> None:
    if line.startswith(WIDE_BOMS) or b"\0" in line[:2]:
        raise ValueError(f"{path}: not a readable captions table: UTF-16, expected UTF-8")


def _short(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON, from character {error.pos + 1} on"
    if type(error) in (ValueError, csv.Error):
        return str(error)[:200]
    return f"{type(error).__name__}: {str(error)[:200]}"
