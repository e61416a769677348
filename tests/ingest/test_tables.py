"""Captions tables: what people write, in one form; what would leave the folder is refused."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.ingest import rejection
from padstal.ingest.captions_table import read_captions
from padstal.ingest.cells import split_tags, visible

RECORDS = [
    {"path": "a/one.wav", "caption": "a slow tune", "tags": "folk; sad,calm", "artist": "X", "licence": "CC BY 4.0"},
    {"path": "two.mp3", "caption": None, "tags": None, "artist": None, "licence": None},
]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_three_kinds_of_table_say_the_same(tmp_path, suffix):
    path = tmp_path / f"captions.{suffix}"
    table = pd.DataFrame(RECORDS)
    if suffix == "csv":
        table.to_csv(path, index=False)
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(record) for record in RECORDS))
    else:
        table.to_parquet(path)
    rows = read_captions(path, ["a/one.wav", "two.mp3"]).rows
    assert list(rows) == ["a/one.wav", "two.mp3"]
    first, second = rows.values()
    assert (first.caption, first.tags, first.artist, first.licence) == (
        "a slow tune",
        "folk, sad, calm",
        "X",
        "CC BY 4.0",
    )
    assert (second.caption, second.tags, second.artist, second.album) == ("", "", "", "")


def test_paths_out_of_the_folder_and_repeated_rows_are_refused(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text("path,caption\n../../etc/passwd,x\n/etc/passwd,y\nok.wav,first\n./ok.wav,second\n,none\n")
    table = read_captions(path, ["ok.wav"])
    assert [(reason, name) for name, reason, _ in table.refused] == [
        (rejection.OUTSIDE, "../../etc/passwd"),
        (rejection.OUTSIDE, "/etc/passwd"),
        (rejection.OUTSIDE, "captions.csv, row 5"),
        (rejection.REPEATED, "ok.wav"),
    ]
    assert table.rows["ok.wav"].caption == "first"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("c.csv", b"file,caption\na,b\n", "path"), ("c.csv", b"path\xff\xfe\n", "readable"), ("c.txt", b"", "csv")],
)
def test_tables_that_cannot_be_read_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_captions(tmp_path / name, [])


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        (" a ;b, c;; ", ["a", "b", "c"]),
        ("", []),
        ("['rock', 'drum and bass']", ["rock", "drum and bass"]),
        ('["rock", "caf\\u00e9"]', ["rock", "café"]),
        ("['rock' 'drum and bass'\n 'folk']", ["rock", "drum and bass", "folk"]),
        ("array(['rock', 'folk'], dtype=object)", ["rock", "folk"]),
        ("('rock', \"rock 'n' roll\")", ["rock", "rock 'n' roll"]),
        ("['it\\'s', None, nan]", ["it's"]),
        ("[rock, drum and bass]", ["rock", "drum and bass"]),
        ("[np.str_('rock'), np.str_('folk')]", ["rock", "folk"]),
        ("[u'rock', b'folk', dub]", ["rock", "folk", "dub"]),
        ("{'rock', 'folk'}", ["rock", "folk"]),
        ("frozenset({'rock'})", ["rock"]),
        ("[]", []),
        ("()", []),
        ("{}", []),
        ("set()", []),
        ("[nan]", []),
        ("nan", []),
        ("rock, N/A; None", ["rock"]),
        ("rock (live)", ["rock (live)"]),
        ("(live) rock, (slow)", ["(live) rock", "(slow)"]),
        ('{rock,"drum and bass",NULL}', ["rock", "drum and bass"]),
        ("{rock}", ["rock"]),
        ('[{"id": 1, "name": "rock"}, {"id": 2, "name": "drum, bass"}]', ["rock", "drum", "bass"]),
        ("[{'name': \"rock 'n' roll\", 'id': 1}]", ["rock 'n' roll"]),
        ("array([{'id': 1, 'name': 'rock'}], dtype=object)", ["rock"]),
        ("['rock' 'folk' ... 'dub']", ["rock", "folk", "dub"]),
        ('-; "nan", rock', ["rock"]),
    ],
)
def test_tags_are_read_however_they_are_listed(cell, tags):
    assert split_tags(cell) == tags


@given(st.text(alphabet="[]()'\",;\\ abné\u202e\n", max_size=30))
def test_any_text_gives_tags(cell):
    assert all(tag.strip() for tag in split_tags(cell))


@given(st.lists(st.text("abc xyz'\"é", min_size=1).filter(str.strip), max_size=4))
def test_a_list_is_read_as_python_and_json_write_it(tags):
    expected = [tag.strip() for tag in tags]
    assert split_tags(repr(tags)) == split_tags(json.dumps(tags)) == expected


@pytest.mark.parametrize(
    "word",
    [
        *(
            "nan",
            "NaN",
            "None",
            "N/A",
            "null",
            "<NA>",
            "NA",
            "n/a",
            "NaT",
            "NULL",
            "#N/A N/A",
            "#REF!",
            "\\N",
            "(null)",
        ),
        *("-", "--", "<none>", "(none)", "#NV", '"""nan"""'),
    ],
)
def test_null_words_are_null_in_every_column(tmp_path, word):
    columns = ("caption", "tags", "artist", "album", "title", "source_url", "sha256")
    (tmp_path / "c.csv").write_text(f"path,{','.join(columns)}\na.wav{f',{word}' * len(columns)}\n")
    row = read_captions(tmp_path / "c.csv", ["a.wav"]).rows["a.wav"]
    assert {getattr(row, name) for name in columns} == {""}


@pytest.mark.parametrize(
    ("word", "stated"),
    [
        *(("nan", ""), ("<NA>", ""), ("null", ""), ("\\N", ""), ("#NV", ""), ('"""nan"""', "")),
        *((word, word) for word in ("#REF!", "None", "N/A", "-", "(none)")),
    ],
)
def test_a_licence_that_an_owner_may_have_denied_is_not_the_sources(tmp_path, word, stated):
    (tmp_path / "c.csv").write_text(f"path,licence\na.wav,{word}\n")
    assert read_captions(tmp_path / "c.csv", ["a.wav"]).rows["a.wav"].licence == stated


def _written(path: Path, *rows: dict[str, Any]) -> Path:
    """A table in the form that its name says."""
    table = pd.DataFrame(rows)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("column", ["License", " licence ", "LICENSE", "lic\u200bence"])
def test_columns_are_read_in_either_spelling_and_any_case(tmp_path, suffix, column):
    path = _written(tmp_path / f"c.{suffix}", {"Path": "a.wav", column: "CC-BY-NC-4.0"})
    assert read_captions(path, ["a.wav"]).rows["a.wav"].licence == "CC-BY-NC-4.0"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    "column",
    [
        *("license_url", "Lizenz", "licencia", "lisens", "lisenssi", "лицензия", "ライセンス", "spdx"),
        *("dc:rights", "rights_statement", "Rights URI", "usage terms"),
    ],
)
def test_licences_in_a_column_of_another_name_are_not_passed_over(tmp_path, suffix, column):
    path = _written(tmp_path / f"c.{suffix}", {"path": "a.wav", column: "x"})
    with pytest.raises(ValueError, match="expected licences in a column `licence`"):
        read_captions(path, ["a.wav"])
    path = _written(tmp_path / f"d.{suffix}", {"path": "a.wav", "licence": "", column: "x"})
    table = read_captions(path, ["a.wav"])
    assert table.no_licence("a.wav")
    assert f"no licence, but '{column.lower()}'" in table.refused[0][2]
    path = _written(tmp_path / f"e.{suffix}", {"path": "a.wav", "licence": "CC0", column: "x", "copyright": "X"})
    assert read_captions(path, ["a.wav"]).rows["a.wav"].licence == "CC0"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("value", ["CC-BY-NC-4.0", "© 2020 X", "http://creativecommons.org/licenses/by/4.0/"])
@pytest.mark.parametrize("column", ["copyright", "legal", "cc"])
def test_a_licence_is_known_by_what_it_says_in_any_column(tmp_path, suffix, value, column):
    rows = [{"path": "a.wav", column: value}, {"path": "b.wav", column: "Ann"}]
    path = _written(tmp_path / f"c.{suffix}", *rows)
    table = read_captions(path, ["a.wav", "b.wav"])
    assert table.no_licence("a.wav")
    assert list(table.rows) == ["b.wav"]
    assert f"no licence, but '{column}'" in table.refused[0][2]
    path = _written(tmp_path / f"d.{suffix}", rows[0] | {"licence": "CC0"})
    assert read_captions(path, ["a.wav"]).rows["a.wav"].licence == "CC0"


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("inner", [{"License": "x"}, {"of": {"license_url": "x"}}, [{"License": "x"}]])
def test_a_licence_within_an_object_is_not_passed_over(tmp_path, suffix, inner):
    path = _written(tmp_path / f"c.{suffix}", {"path": "a.wav", "meta": inner})
    with pytest.raises(ValueError, match="expected licences in a column `licence`"):
        read_captions(path, ["a.wav"])
    path = _written(tmp_path / f"d.{suffix}", {"path": "a.wav", "meta": inner, "licence": "CC0"})
    assert read_captions(path, ["a.wav"]).rows["a.wav"].licence == "CC0"
    path = _written(tmp_path / f"e.{suffix}", {"path": "a.wav", "meta": {"cc": "CC BY 4.0"}})
    assert read_captions(path, ["a.wav"]).no_licence("a.wav")


def test_names_that_look_alike_are_shown_apart():
    assert visible("caf\u00e9 .wav") == "'caf\\xe9 .wav'"
    assert visible("cafe\u0301.wav") == "'cafe\\u0301.wav'"


@pytest.mark.parametrize("column", ["sha256", "SHA-256", "SHA 256", "sha256sum", "sha256_hash", "SHA256 digest"])
@pytest.mark.parametrize(("value", "read"), [(f"sha256:{'AB' * 32}", "ab" * 32), ("cd" * 32, "cd" * 32), ("-", "")])
def test_a_sha256_is_read_under_its_names_and_with_its_prefix(tmp_path, column, value, read):
    (tmp_path / "c.csv").write_text(f"path,{column}\na.wav,{value}\n")
    assert read_captions(tmp_path / "c.csv", ["a.wav"]).rows["a.wav"].sha256 == read


def test_a_sha256_that_is_none_makes_its_row_unreadable(tmp_path):
    (tmp_path / "c.csv").write_text(f"path,sha256\na.wav,abc\nb.wav,{'AB' * 32}\n")
    table = read_captions(tmp_path / "c.csv", ["a.wav", "b.wav"])
    assert [reason for _, reason, _ in table.refused] == [rejection.MALFORMED]
    assert table.no_licence("a.wav")
    assert table.rows["b.wav"].sha256 == "ab" * 32
