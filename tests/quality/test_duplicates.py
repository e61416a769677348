import math

from padstal.quality.duplicates import groups
from padstal.quality.matching import Match


def test_matches_chain_to_one_group_and_the_best_stays():
    found = [Match(0, 2, 0.9), Match(2, 3, 0.8)]
    (group,) = groups(["a", "b", "c", "d"], found, {"a": 3.0, "b": 5.0, "c": 4.0, "d": 3.5})
    assert (group.name, group.kept) == ("a", "c")
    assert group.removed == {"a": 0.9, "d": 0.8}


def test_groups_do_not_depend_on_the_order_of_matches():
    found = [Match(0, 1, 0.9), Match(2, 3, 0.9), Match(1, 2, 0.8), Match(4, 5, 0.95)]
    quality = dict.fromkeys("abcdef", 3.0)
    assert groups(list("abcdef"), found, quality) == groups(list("abcdef"), found[::-1], quality)
    assert [group.members for group in groups(list("abcdef"), found, quality)] == [("a", "b", "c", "d"), ("e", "f")]


def test_an_unknown_score_is_worth_least_and_the_first_of_equals_stays():
    (group,) = groups(["b", "a"], [Match(0, 1, 0.9)], {"a": math.nan, "b": 1.0})
    assert group.kept == "b"
    (group,) = groups(["b", "a"], [Match(0, 1, 0.9)], {"a": 2.0, "b": 2.0})
    assert group.kept == "a"


def test_without_matches_there_are_no_groups():
    assert groups(["a", "b"], [], {"a": 1.0, "b": 1.0}) == ()
