"""A key becomes a path inside the mirror or is refused by name; no key is lost and none leads out."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.ingest.s3.object_names import place

FOLDER = Path("/mirror")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("../../etc/passwd", "no path below a folder"),
        ("a/../../b.wav", "no path below a folder"),
        ("/etc/passwd", "no path below a folder"),
        ("a//b.wav", "no path below a folder"),
        ("a/./b.wav", "no path below a folder"),
        ("folder/", "no path below a folder"),
        ("a\0.wav", "no path below a folder"),
        ("x" * 256, "a part of 256 bytes"),
        ("ü" * 128, "a part of 256 bytes"),
    ],
)
def test_what_cannot_be_a_file_is_refused_with_its_reason(key, why):
    kept, refused = place([key, "good.wav"])
    assert kept == ["good.wav"]
    assert why in refused[key]


def test_names_at_the_limits_are_taken():
    keys = {"x" * 255, "ü" * 127, "a\nb\\c.wav", "...", "sp ace.wav", "-rf", "日本.wav", "con.wav:2"}
    kept, refused = place(keys)
    assert set(kept) == keys
    assert refused == {}


def test_of_names_that_hide_each_other_the_first_is_kept_whatever_the_order():
    keys = ["A.wav", "a.wav", "e\u0301.wav", "\u00e9.wav", "\u00c9.wav"]
    kept, refused = place(keys)
    assert kept == ["A.wav", "e\u0301.wav"]
    assert "'A.wav'" in refused["a.wav"]
    assert place(reversed(keys)) == (kept, refused)


def test_of_a_file_and_a_folder_of_one_name_the_folder_is_kept():
    kept, refused = place(["album", "album/1.wav", "ALBUM/2.wav", "b/c", "b/c/d/e.wav"])
    assert kept == ["ALBUM/2.wav", "album/1.wav", "b/c/d/e.wav"]
    assert set(refused) == {"album", "b/c"}


PART = st.text(alphabet="aAbé./\\\0 \n", max_size=6) | st.sampled_from(["..", ".", "", "x" * 300])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(PART, min_size=1, max_size=4).map("/".join), max_size=8))
def test_any_keys_are_kept_inside_or_refused_and_never_clash(keys):
    kept, refused = place(keys)
    assert sorted([*kept, *refused], key=str.encode) == sorted(set(keys), key=str.encode)
    for key in kept:
        assert (FOLDER / key).resolve().is_relative_to(FOLDER)
        assert str(PurePosixPath(key)) == key
    assert len({key.lower() for key in kept}) == len(kept)
    assert not {key.lower() for key in kept} & {
        str(parent).lower() for key in kept for parent in PurePosixPath(key).parents
    }
