"""Numbers and words as people read them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.reporting import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not measured"),
        (math.nan, "not measured"),
        (0.0, "0.000"),
        (0.31416, "0.314"),
        (-0.02, "\u22120.020"),
        (0.00123, "0.00123"),
        (0.000123, "1.23e\u22124"),
        (147.73, "148"),
        (12, "12"),
        (1_234_567, "1\u202f234\u202f567"),
        (True, "yes"),
        ("as it is", "as it is"),
    ],
)
def test_numbers_read_well(value: object, shown: str) -> None:
    assert text.number(value) == shown


def test_a_setting_keeps_what_was_set() -> None:
    assert [text.setting(value) for value in (0.25, 7.0, 2e-5, 3, None, "kept")] == [
        "0.25",
        "7",
        "2e\u221205",
        "3",
        "null",
        "kept",
    ]


def test_an_interval_without_an_end_is_nothing() -> None:
    assert text.bounds((0.1, None)) == ""
    assert text.bounds((0.1, 0.2)) == "[0.100, 0.200]"


@pytest.mark.parametrize(("seconds", "shown"), [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min")])
def test_durations_read_well(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("clap_f", "CLAP-f"),
        ("train_vae", "train VAE"),
        ("tal_dit", "TAL DiT"),
        ("clap_f_of_originals", "CLAP-f of originals"),
    ],
)
def test_keys_become_words(key: str, shown: str) -> None:
    assert text.words(key) == shown


@given(st.text())
def test_escaped_markdown_holds_no_markup(raw: str) -> None:
    escaped = text.escape_markdown(raw)
    assert "\n" not in escaped
    assert "<" not in escaped
    assert ">" not in escaped
    assert "://" not in escaped
    for at, character in enumerate(escaped):
        if character in "`*_[]~|$":
            assert escaped[at - 1] == "\\"


def test_escaped_markdown_mentions_nobody() -> None:
    assert "@someone" not in text.escape_markdown("@someone")
    assert "#12" not in text.escape_markdown("#12")


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_no_text_can_steer_the_terminal(outside: str) -> None:
    shown = text.visible(outside)
    assert all(character.isprintable() or character == "\u202f" for character in shown)
    assert "\x1b" not in shown
    assert "\n" not in shown


def test_what_is_not_printable_is_written_as_its_code() -> None:
    assert text.visible("a\x1b[31mb\u202ec\td\n") == "a\\x1b[31mb\\x202ec d"
    assert text.visible("Größe 東京") == "Größe 東京"
