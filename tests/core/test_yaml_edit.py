"""Values set in YAML text: what is written is read again, and not another character changes."""

from pathlib import Path

import pytest

from padstal.core.yaml_edit import with_values
from padstal.core.yaml_text import parse_yaml

TEXT = """\
# of a lab
first: &first {a: one, b: two}   # flow
second:
  <<: *first
  files: {w.bin: old, "v.bin": old} # said
  deep:

    a:   unverified # keep
    c: >-
      folded
"""


def test_values_are_replaced_where_they_stand_and_the_rest_stays() -> None:
    changed = with_values(TEXT, {("second", "files", "v.bin"): "new", ("second", "deep", "a"): "ü: 1"})
    assert changed == TEXT.replace('"v.bin": old', '"v.bin": new').replace("unverified", '"\\u00fc: 1"')
    assert parse_yaml(changed)["second"]["deep"]["a"] == "ü: 1"


@pytest.mark.parametrize("value", ["1" * 64, "1e5", "true", "", "a: b", "# no", "null", "[x", "plain-1.0"])
def test_a_text_is_read_again_as_that_text(value: str) -> None:
    assert parse_yaml(with_values(TEXT, {("first", "a"): value}))["first"]["a"] == value


def test_a_missing_key_comes_before_the_last_of_its_mapping() -> None:
    changed = with_values(TEXT, {("first", "new"): "x", ("second", "deep", "new"): "y"})
    assert changed == TEXT.replace("b: two", "new: x, b: two").replace("    c: >-", "    new: y\n    c: >-")


def test_what_a_mapping_takes_over_is_set_where_it_is_written() -> None:
    assert with_values(TEXT, {("second", "b"): "three"}) == TEXT.replace("b: two", "b: three")


@pytest.mark.parametrize("path", [("second", "nowhere", "a"), ("second", "files"), ("first", "a", "deeper")])
def test_a_path_to_no_single_value_is_refused(path: tuple[str, ...]) -> None:
    with pytest.raises(KeyError, match=r"no mapping with keys|no single value"):
        with_values(TEXT, {path: "x"})


def test_the_params_of_the_repository_can_be_edited() -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
    path = ("scales", "full", "prepare", "dac", "weights", "sha256", "weights.pth")
    changed = with_values(text, {path: "f" * 64})
    different = [(old, new) for old, new in zip(text.split("\n"), changed.split("\n"), strict=True) if old != new]
    assert [new.strip() for _, new in different] == [f"sha256: {{weights.pth: {'f' * 64}}}"]
