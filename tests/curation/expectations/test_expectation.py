import pytest

from padstal.curation.expectations.expectation import Expectation, Outcome, verdict


def outcome(name, severity, success):
    return Outcome(Expectation(name, "clips", "Kind", "column", severity), success, 0, (), "")


@pytest.mark.parametrize(
    ("severities", "worst"), [((), None), (("warning",), "warning"), (("critical", "warning"), "critical")]
)
def test_the_worst_broken_severity_is_the_verdicts(severities, worst):
    outcomes = [outcome("holds", "critical", True), *(outcome(s, s, False) for s in severities)]
    found = verdict(tuple(outcomes))
    assert found["worst"] == worst
    assert found["success"] == (worst is None)


def test_an_outcome_says_what_was_expected_and_what_to_do():
    asked = Expectation("few", "clips", "Kind", "x", "warning", {"max_value": 1 / 3}, mostly=0.95, advice="mend it")
    found = Outcome(asked, False, 3, ("a", "b", "c"), "3 of 9").as_json()
    assert found["expected"] == "max_value 0.333333, at least 0.95 of rows"
    assert (found["advice"], found["offenders"], found["unexpected"]) == ("mend it", ["a", "b", "c"], 3)
    assert (
        Outcome(Expectation("all", "clips", "Kind", "x", "warning"), True, 0, (), "").as_json()["expected"]
        == "every row"
    )
