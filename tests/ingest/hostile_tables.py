"""Kinds of bad captions table and of bad row: name → the table's bytes and what must come of it."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from padstal.ingest import rejection as why

FILES = ("one.wav", "two.wav", "sub/three.wav")
"""Files that every table is beside."""
UNREADABLE = "not a readable captions table"
NO_LICENCE = {"one.wav": "licence"}
"""Outcome of the file whose row cannot be read."""
OTHERS = {"one.wav": "licence", "sub/three.wav": "licence"}
"""Outcome of the files without a row beside rows that fit none."""


@dataclass(frozen=True)
class TableKind:
    """One kind.

    Attributes:
        name: Its last part is the table's suffix.
        content: The table.
        captions: File → the caption that it must have.
        rows: Reasons why rows are refused, in alphabetical order.
        files: File → why it is refused.
        stops: Part of the message with which the run must stop; "" where it goes on.
    """

    name: str
    content: Callable[[], bytes]
    captions: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    stops: str = ""


def _csv(*lines: str, header: str = "path,caption,licence", end: str = "\n") -> Callable[[], bytes]:
    return lambda: end.join((header, *lines, "")).encode()


def _json(*records: object, before: bytes = b"") -> Callable[[], bytes]:
    """Records; a string stands for a line as it is."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return lambda: before + "\n".join((*lines, "")).encode("utf-8", "surrogatepass")


def _parquet(table: Callable[[], object], **options) -> Callable[[], bytes]:
    def write() -> bytes:
        file = io.BytesIO()
        value = table()
        pq.write_table(value if isinstance(value, pa.Table) else pa.Table.from_pandas(value), file, **options)
        return file.getvalue()

    return write


ONE, TWO, THREE = "one.wav,a slow tune,CC0-1.0", "two.wav,a fast tune,CC0-1.0", "sub/three.wav,a march,CC0-1.0"
GOOD = {"one.wav": "a slow tune", "two.wav": "a fast tune", "sub/three.wav": "a march"}
FAST = {"two.wav": "a fast tune"}
REST = {name: GOOD[name] for name in FILES[1:]}
NO_ROW = dict.fromkeys(FILES[1:], "")
ROW = {"path": "one.wav", "caption": "a slow tune"}
ROWS = [{"path": path, "caption": caption} for path, caption in GOOD.items()]

TABLES = [
    # whole tables
    TableKind("good.csv", _csv(ONE, TWO, THREE), GOOD),
    TableKind("mark.csv", lambda: b"\xef\xbb\xbf" + _csv(ONE, TWO, THREE)(), GOOD),
    TableKind("dos_lines.csv", _csv(ONE, TWO, THREE, end="\r\n"), GOOD),
    TableKind("semicolons.csv", lambda: _csv(ONE, TWO, THREE)().replace(b",", b";"), GOOD),
    TableKind("tabs.csv", lambda: _csv(ONE, TWO, 'sub/three.wav,"a march",CC0-1.0')().replace(b",", b"\t"), GOOD),
    TableKind("old_mac_lines.csv", _csv(ONE, TWO, THREE, end="\r"), stops="lines end in CR alone"),
    TableKind("no_path.csv", _csv("x,y,z", header="file,caption,licence"), stops="no column 'path'"),
    TableKind("no_path.jsonl", _json({"file": "one.wav"}, {"file": "two.wav"}), stops="none of 2 rows"),
    TableKind("no_path.parquet", _parquet(lambda: pd.DataFrame({"file": ["one.wav"]})), stops="no column 'path'"),
    TableKind(
        "column_twice.csv", _csv("one.wav,a,b", header="path,licence,licence"), stops="licence stands there twice"
    ),
    TableKind("list.jsonl", _json(ROWS), stops="list: expected an object"),
    TableKind("nothing.csv", lambda: b"", stops="no column 'path'"),
    TableKind("header_only.csv", _csv(), dict.fromkeys(FILES, "")),
    TableKind("utf16.csv", lambda: _csv(ONE)().decode().encode("utf-16"), stops="UTF-16"),
    TableKind("utf16_unmarked.csv", lambda: _csv(ONE)().decode().encode("utf-16-be"), stops="UTF-16"),
    TableKind("latin_header.csv", lambda: b"path,caf\xe9\none.wav,x\n", stops=UNREADABLE),
    TableKind("page.csv", lambda: b"<html>\n<body>404</body>\n</html>\n", stops="no column 'path'"),
    TableKind("page.jsonl", lambda: b"<html>\n<body>404</body>\n</html>\n", stops="none of 3 rows"),
    TableKind("page.parquet", lambda: b"<html>404</html>", stops=UNREADABLE),
    TableKind("cut.parquet", lambda: _parquet(lambda: pd.DataFrame(ROWS))()[:-9], stops=UNREADABLE),
    TableKind("spoilt.parquet", lambda: b"PAR1" + b"\xff" * 500 + b"\xf0\1\0\0PAR1", stops=UNREADABLE),
    TableKind("encrypted.parquet", lambda: b"PARE" + bytes(500) + b"\x10\0\0\0PARE", stops=UNREADABLE),
    TableKind("bomb.parquet", _parquet(lambda: _zeros(11_000_000)), stops="11000000 rows"),
    TableKind("unknown_suffix.txt", _csv(ONE), stops=".csv, .jsonl or .parquet"),
    # one bad row of a CSV must not cost the others
    TableKind("extra_cell.csv", _csv(ONE + ",CC0-1.0", TWO, THREE), REST, (why.MALFORMED,), NO_LICENCE),
    TableKind("missing_cell.csv", _csv("one.wav,a slow tune", TWO, THREE), REST, (why.MALFORMED,), NO_LICENCE),
    TableKind("open_quote.csv", _csv('one.wav,"a slow tune,CC0-1.0', TWO, THREE), REST, (why.MALFORMED,), NO_LICENCE),
    TableKind(
        "open_quote_closed_later.csv",
        _csv('one.wav,"a slow,CC0-1.0', TWO, 'sub/three.wav,"a march",CC0-1.0'),
        REST,
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    TableKind(
        "swallowed_rows.csv",
        _csv('one.wav,"a slow,CC0-1.0', "two.wav,a fast tune,CC0-1.0", 'sub/three.wav,a march",CC0-1.0'),
        {**FAST, "sub/three.wav": 'a march"'},
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    TableKind(
        "swallowed_end.csv",
        _csv('one.wav,"a slow,CC0-1.0', 'C:\\two.wav,a fast tune",CC0-1.0'),
        {"two.wav": 'a fast tune"'},
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    TableKind(
        "swallowed_path_behind.csv",
        _csv('"a slow,one.wav,CC0-1.0', 'a fast tune",two.wav,CC0-1.0', header="caption,path,licence", end="\r\n"),
        {"two.wav": 'a fast tune"'},
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    TableKind(
        "list_of_tracks.csv",
        _csv('one.wav,"a slow, sad\ntwo.wav\n, then a tune",CC0-1.0', TWO),
        {"one.wav": "a slow, sad two.wav , then a tune", **FAST},
    ),
    TableKind(
        "lines_before_path.csv",
        _csv('"a slow, sad\ntune",one.wav,CC0-1.0', header="caption,path,licence"),
        {"one.wav": "a slow, sad tune"},
    ),
    TableKind("quoted_lines.csv", _csv('one.wav,"a slow\ntune",CC0-1.0', TWO, THREE), GOOD),
    TableKind(
        "not_utf8.csv", lambda: _csv(ONE, TWO, THREE)().replace(b"slow", b"sl\xf6w"), REST, (why.MALFORMED,), NO_LICENCE
    ),
    TableKind("nul.csv", _csv("one.wav,a \0slow\0 tune,CC0-1.0", TWO, THREE), GOOD),
    TableKind(
        "long_cell.csv", _csv(f"one.wav,{'x' * 10_000_000},CC0-1.0", TWO, THREE), REST, (why.MALFORMED,), NO_LICENCE
    ),
    TableKind(
        "long_caption.csv", _csv(f"one.wav,{'x' * 30_000},CC0-1.0", TWO, THREE), REST, (why.MALFORMED,), NO_LICENCE
    ),
    TableKind("blank_lines.csv", _csv("", ONE, "", TWO, THREE, ""), GOOD),
    TableKind(
        "blank_rows.csv", _csv(",,", ONE, " , ,", TWO, ",", ",,,,"), {"one.wav": GOOD["one.wav"], "sub/three.wav": ""}
    ),
    TableKind(
        "blank_rows.jsonl", _json({}, ROW, {"path": None, "caption": ""}), {"one.wav": GOOD["one.wav"], **NO_ROW}
    ),
    TableKind(
        "blank_rows.parquet",
        _parquet(lambda: pd.DataFrame({"path": ["one.wav", None], "caption": ["a slow tune", None]})),
        {"one.wav": GOOD["one.wav"], **NO_ROW},
    ),
    # paths
    TableKind("absolute.csv", _csv("/etc/passwd,x,CC0-1.0", TWO), FAST, (why.OUTSIDE,), OTHERS),
    TableKind("parent.csv", _csv("../../one.wav,x,", "sub/../../x.wav,x,", TWO), FAST, (why.OUTSIDE,) * 2, OTHERS),
    TableKind("nul_in_path.csv", _csv("one.wav\0.txt,x,CC0-1.0", TWO), FAST, (why.OUTSIDE,), OTHERS),
    TableKind("no_name.csv", _csv(",x,CC0-1.0", ".,x,", TWO), FAST, (why.OUTSIDE,) * 2, OTHERS),
    TableKind("repeated.csv", _csv(ONE, "./one.wav,again,CC0-1.0", TWO, THREE), GOOD, (why.REPEATED,)),
    TableKind(
        "repeated_licence.csv", _csv(ONE, "one.wav,again,CC-BY-4.0", TWO, THREE), REST, (why.REPEATED,), NO_LICENCE
    ),
    TableKind("accent.csv", _csv("on\u00e9.wav,x,CC0-1.0", TWO), FAST, (why.MISSING,), OTHERS),
    TableKind("folder.csv", _csv("sub,x,CC0-1.0", TWO), FAST, (why.MISSING,), OTHERS),
    TableKind("itself.csv", _csv("itself.csv,x,CC0-1.0", TWO), FAST),
    TableKind("some_rows.csv", _csv(TWO), {"one.wav": "", **FAST}),
    # text
    TableKind("formula.csv", _csv("one.wav,=cmd|'/c calc'!A1,CC0-1.0", TWO), {"one.wav": "=cmd|'/c calc'!A1"}),
    TableKind(
        "control.csv", _csv("one.wav,\x1b[31ma \u202eslow\u202c\ttune\x07,CC0-1.0", TWO), {"one.wav": "[31ma slow tune"}
    ),
    TableKind(
        "injection.csv",
        _csv("one.wav,<script>alert(1)</script> {{7*7}} $(id),CC0-1.0"),
        {"one.wav": "<script>alert(1)</script> {{7*7}} $(id)"},
    ),
    # JSONL
    TableKind("good.jsonl", _json(*ROWS), GOOD),
    TableKind("mark.jsonl", _json(*ROWS, before=b"\xef\xbb\xbf"), GOOD),
    TableKind(
        "broken_line.jsonl", _json('{"path": "one.wav", "caption": "a', *ROWS[1:]), REST, (why.MALFORMED,), NO_LICENCE
    ),
    TableKind("list_line.jsonl", _json([1, 2], "7", *ROWS), GOOD, (why.MALFORMED,) * 2),
    TableKind("deep.jsonl", _json("[" * 100_000, *ROWS), GOOD, (why.MALFORMED,)),
    TableKind("long_line.jsonl", _json('{"path": "' + "x" * 3_000_000, *ROWS), GOOD, (why.MALFORMED,)),
    TableKind("not_utf8.jsonl", lambda: b'{"path": "\xff.wav"}\n' + _json(*ROWS)(), GOOD, (why.MALFORMED,)),
    TableKind("half_pair.jsonl", _json('{"path": "one.wav", "caption": "a \\ud800slow tune"}', *ROWS[1:]), GOOD),
    TableKind("half_pair_in_path.jsonl", _json('{"path": "\\ud800.wav"}', *ROWS), GOOD, (why.OUTSIDE,)),
    TableKind("number.jsonl", _json({"path": "one.wav", "caption": 7}), {"one.wav": "7"}),
    TableKind("not_a_number.jsonl", _json('{"path": "one.wav", "caption": NaN}'), {"one.wav": ""}),
    TableKind("nested.jsonl", _json({**ROW, "caption": {"en": "x"}}, *ROWS[1:]), REST, (why.MALFORMED,), NO_LICENCE),
    TableKind(
        "list_caption.jsonl", _json({**ROW, "caption": ["a", "b"]}, *ROWS[1:]), REST, (why.MALFORMED,), NO_LICENCE
    ),
    TableKind("list_tags.jsonl", _json({**ROW, "tags": ["folk", "sad"]}), {"one.wav": "a slow tune"}),
    TableKind(
        "key_twice.jsonl",
        _json('{"path": "one.wav", "licence": "x", "licence": "CC0-1.0"}', *ROWS[1:]),
        REST,
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    TableKind("path_is_number.jsonl", _json({"path": 5}, *ROWS), GOOD, (why.MALFORMED,)),
    TableKind(
        "huge_number.jsonl",
        _json('{"path": "one.wav", "caption": ' + "9" * 5000 + "}", *ROWS[1:]),
        REST,
        (why.MALFORMED,),
        NO_LICENCE,
    ),
    # Parquet
    TableKind("good.parquet", _parquet(lambda: pd.DataFrame(ROWS)), GOOD),
    TableKind("types.parquet", _parquet(lambda: pd.DataFrame({"path": [1, 2]})), stops="none of 2 rows"),
    TableKind(
        "bytes.parquet",
        _parquet(lambda: pd.DataFrame({"path": FILES[:2], "caption": [b"\xff", b"x"]})),
        {},
        (why.MALFORMED,) * 2,
        dict.fromkeys(FILES[:2], "licence"),
    ),
    TableKind(
        "nulls.parquet",
        _parquet(lambda: pd.DataFrame({"path": ["one.wav", None], "caption": [None, "x"]})),
        {"one.wav": ""},
        (why.MALFORMED,),
        dict.fromkeys(FILES[1:], "licence"),
    ),
    TableKind(
        "column_twice.parquet",
        _parquet(lambda: pa.table([["one.wav"], ["a"], ["b"]], names=["path", "caption", "caption"])),
        stops="caption stands there twice",
    ),
]


def _zeros(rows: int) -> pa.Table:
    """Few bytes that say that they are many rows."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int8()), pa.array(["one.wav"]))
    return pa.table({"path": pa.chunked_array([column] * (rows // 1000))})
