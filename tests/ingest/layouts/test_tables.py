"""What published tables have in common."""

import csv

from hypothesis import given
from hypothesis import strategies as st

from padstal.ingest.layouts.tables import as_tags, clean, csv_rows, listed, tab_rows


def test_html_entities_and_nan_leave_a_field_but_an_angle_bracket_stays():
    assert clean("<p>A &amp; B<br/>\n C</p>") == "A & B C"
    assert clean("I <3 you > me") == "I <3 you > me"
    assert clean("NaN") == clean("nan") == clean("  ") == ""
    assert clean("Nan Goldin") == "Nan Goldin"


def test_tags_appear_once_and_never_hold_a_comma():
    assert as_tags(["rock", "Inside, small room", "", "rock", "a;b"]) == "rock, Inside, small room, a, b"


@given(st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=8)), max_size=8))
def test_a_list_is_read_as_python_writes_it(items):
    assert listed(repr(items)) == [str(item) for item in items]


def test_lines_are_rows_whatever_their_quotes(tmp_path):
    (tmp_path / "t.tsv").write_bytes(b'\xef\xbb\xbfa\tb\r\n"open\tx\n"q""uoted"\ty\n\nlast\t\n')
    rows = [fields for _, fields in tab_rows(tmp_path / "t.tsv")]
    assert rows == [["a", "b"], ['"open', "x"], ['q"uoted', "y"], ["last", ""]]


def test_long_fields_are_read_and_the_limit_of_others_is_left_alone(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "t.csv").write_text('a,"' + "x" * 200_000 + '"\n')
    [(number, fields)] = csv_rows(tmp_path / "t.csv")
    assert (number, len(fields[1])) == (1, 200_000)
    assert csv.field_size_limit() == before


@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing_for_plain_text(text):
    if "&" not in text and "<" not in text:
        assert clean(clean(text)) == clean(text)
