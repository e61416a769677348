import math

import pytest

from padstal.curation.duplicates import groups
from padstal.curation.matching import Match

TRAIN = dict.fromkeys("abcdef", "train")


def test_matches_chain_to_one_group_and_the_best_stays():
    found = [Match(0, 2, 0.9), Match(2, 3, 0.8)]
    (group,) = groups(["a", "b", "c", "d"], found, {"a": 3.0, "b": 5.0, "c": 4.0, "d": 3.5}, TRAIN)
    assert (group.name, group.kept) == ("a", "c")
    assert group.removed == {"a": 0.9, "d": 0.8}


def test_groups_do_not_depend_on_the_order_of_matches():
    found = [Match(0, 1, 0.9), Match(2, 3, 0.9), Match(1, 2, 0.8), Match(4, 5, 0.95)]
    quality = dict.fromkeys("abcdef", 3.0)
    once, again = (groups(list("abcdef"), pairs, quality, TRAIN) for pairs in (found, found[::-1]))
    assert once == again
    assert [group.members for group in once] == [("a", "b", "c", "d"), ("e", "f")]


def test_an_unknown_score_is_worth_least_and_the_first_of_equals_stays():
    (group,) = groups(["b", "a"], [Match(0, 1, 0.9)], {"a": math.nan, "b": 1.0}, TRAIN)
    assert group.kept == "b"
    (group,) = groups(["b", "a"], [Match(0, 1, 0.9)], {"a": 2.0, "b": 2.0}, TRAIN)
    assert group.kept == "a"


def test_without_matches_there_are_no_groups():
    assert groups(["a", "b"], [], {"a": 1.0, "b": 1.0}, TRAIN) == ()


@pytest.mark.parametrize(
    ("split", "kept"),
    [
        ({"a": "train", "b": "test", "c": "validation"}, "b"),
        ({"a": "train", "b": "train", "c": "validation"}, "c"),
        ({"a": "test", "b": "train", "c": "test"}, "c"),
    ],
)
def test_of_a_group_across_splits_a_held_out_copy_stays_however_good_the_others(split, kept):
    quality = {"a": 1.5, "b": 1.0 if split["b"] == "test" else 5.0, "c": 2.0}
    (group,) = groups(["a", "b", "c"], [Match(0, 1, 0.9), Match(1, 2, 0.9)], quality, split)
    assert group.kept == kept
    assert len(group.removed) == 2


def test_a_new_training_copy_never_takes_a_held_out_track_away():
    split = {"a": "test", "b": "train"}
    for quality in ({"a": 1.0, "b": 5.0}, {"a": math.nan, "b": 5.0}):
        (group,) = groups(["a", "b"], [Match(0, 1, 0.9)], quality, split)
        assert group.kept == "a"
