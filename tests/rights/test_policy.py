"""A policy fails closed: what it does not name is refused, and what it says twice is an error."""

import pytest

from padstal.rights.policy import Policy
from padstal.stages.params import load_tree

POLICY = {"allow": ("CC0", "CC BY 4.0", "CC-BY-SA"), "deny": (), "non_commercial": "refuse", "unknown": "refuse"}


def policy(**changes):
    return Policy(**{**POLICY, **changes})


@pytest.mark.parametrize(
    "licence", ["CC0-1.0", "cc by 4.0", "https://creativecommons.org/licenses/by/4.0/", "CC BY-SA 2.5", "CC BY-SA"]
)
def test_what_is_allowed_by_name_or_family_is_allowed(licence):
    assert policy().refusal(licence) == ""


@pytest.mark.parametrize(
    ("licence", "why"),
    [
        ("", "no licence is stated"),
        ("   ", "no licence is stated"),
        ("unknown", "no licence is stated"),
        ("CC BY 3.0", "not among the licences allowed"),
        ("CC BY", "not among the licences allowed"),
        ("CC BY-NC 4.0", "forbids commercial use"),
        ("All rights reserved", "forbids commercial use"),
        ("royalty free", "no licence we know"),
        ("CC BY 4.0, no training", "no licence we know"),
        ("СС BY 4.0", "no licence we know"),
        ("https://evil.example/creativecommons.org/licenses/by/4.0/", "no licence we know"),
    ],
)
def test_everything_else_is_refused_and_the_reason_is_said(licence, why):
    assert why in policy().refusal(licence)


def test_deny_wins_over_a_family_that_is_allowed():
    strict = policy(deny=("CC BY-SA 2.5",))
    assert strict.refusal("CC BY-SA 2.5") == "CC-BY-SA-2.5: among the licences denied"
    assert strict.refusal("CC BY-SA 3.0") == ""
    assert policy(deny=("CC-BY-ND",), unknown="allow").refusal("CC BY-ND 4.0") == (
        "CC-BY-ND-4.0: among the licences denied"
    )


def test_the_non_commercial_flag_lets_through_only_what_is_named():
    assert policy(non_commercial="allow").refusal("CC BY-NC 4.0") == "CC-BY-NC-4.0: not among the licences allowed"
    assert policy(non_commercial="allow", allow=("CC BY-NC 4.0",)).refusal("CC BY-NC 4.0") == ""


def test_unknown_licences_pass_only_by_name_or_by_the_flag():
    assert policy(allow=("Our contract of 2024",)).refusal("our  contract of 2024") == ""
    assert policy(allow=("Our contract of 2024",)).refusal("their contract") != ""
    lenient = policy(unknown="allow")
    assert lenient.refusal("") == lenient.refusal("royalty free") == ""
    assert lenient.refusal("All rights reserved") != "", "a licence we know is not unknown"
    assert policy(unknown="allow", deny=("royalty free",)).refusal("Royalty Free") != ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"allow": ("CC BY-NC 4.0",)}, "forbids commercial use"),
        ({"allow": ("CC BY 4.0",), "deny": ("CC-BY",)}, "both name 'CC BY 4.0'"),
        ({"allow": ("",)}, "names ''"),
        ({"allow": ("unknown",)}, "expected a licence"),
    ],
)
def test_a_policy_that_contradicts_itself_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        policy(**changes)


@pytest.mark.parametrize("scale", ["demo", "study", "full"])
def test_the_policies_in_params_hold_and_refuse_what_nobody_licensed(scale):
    from tests.contracts.test_params import PARAMS

    ours = load_tree(PARAMS).scales[scale].ingest.licences
    assert ours.refusal("CC-BY-4.0") == ""
    assert all(ours.refusal(licence) for licence in ("", "All rights reserved", "CC BY-NC 4.0", "CC BY-ND 4.0"))
