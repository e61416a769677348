"""Captions tables: what people write, in one form; what would leave the folder is refused."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.ingest import rejection
from padstal.ingest.captions_table import inside, read_captions, split_tags

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
    rows = read_captions(path).rows
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
    table = read_captions(path)
    assert [(reason, name) for name, reason, _ in table.refused] == [
        (rejection.OUTSIDE, "../../etc/passwd"),
        (rejection.OUTSIDE, "/etc/passwd"),
        (rejection.REPEATED, "ok.wav"),
        (rejection.OUTSIDE, "captions.csv, row 5"),
    ]
    assert table.rows["ok.wav"].caption == "first"


@given(st.text(max_size=40))
def test_what_counts_as_inside_stays_inside(path):
    from pathlib import PurePosixPath

    if inside(path):
        parts = PurePosixPath("/music", path).parts
        assert parts[:2] == ("/", "music")
        assert ".." not in parts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("c.csv", b"file,caption\na,b\n", "path"), ("c.csv", b"path\xff\xfe\n", "readable"), ("c.txt", b"", "csv")],
)
def test_tables_that_cannot_be_read_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_captions(tmp_path / name)


def test_tags_are_split_at_both_separators():
    assert split_tags(" a ;b, c;; ") == "a, b, c"
    assert split_tags("") == ""
