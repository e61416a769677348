import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.quality.levels import Distribution, fit, quality_level, quality_prefix

EPS = 1e-9
AT = Distribution(mu=3.75, sigma=0.25, n=100)  # exact in binary, so that edges are exact


def level(s: float, quantiser: str = "swapped") -> int:
    return int(quality_level(np.array([s]), AT, quantiser)[0])


def prefix(s: float, policy: str) -> str:
    return quality_prefix(np.array([s]), AT, policy)[0]


@pytest.mark.parametrize(
    ("s", "expected"),
    [
        (-100.0, 1),
        (0.0, 1),
        (3.25 - EPS, 1),
        (3.25, 2),
        (3.25 + EPS, 2),
        (3.5 - EPS, 2),
        (3.5, 3),
        (3.5 + EPS, 3),
        (3.75 - EPS, 3),
        (3.75, 3),
        (3.75 + EPS, 3),
        (4.0 - EPS, 3),
        (4.0, 4),
        (4.0 + EPS, 4),
        (4.25 - EPS, 4),
        (4.25, 5),
        (4.25 + EPS, 5),
        (100.0, 5),
        (np.inf, 5),
        (-np.inf, 1),
        (np.nan, 0),
    ],
)
def test_a_level_begins_at_each_edge(s, expected):
    assert level(s) == expected


@pytest.mark.parametrize(
    ("s", "expected"),
    [
        (3.0 - EPS, 1),
        (3.25 - EPS, 1),
        (3.25, 1),
        (3.5 - EPS, 1),
        (3.5, 2),
        (3.75 - EPS, 2),
        (3.75, 3),
        (3.75 + EPS, 4),
        (4.0 - EPS, 4),
        (4.0, 5),
        (4.25, 5),
        (np.inf, 5),
        (-np.inf, 1),
        (np.nan, 0),
    ],
)
def test_the_papers_formula_reaches_level_3_only_at_the_mean(s, expected):
    assert level(s, "literal") == expected


@given(st.floats(1, 5), st.floats(2, 4), st.floats(0.05, 1))
@settings(deadline=None)
def test_the_staircase_is_equation_2_with_r_swapped_and_clamped(s, mu, sigma):
    position = (s - (mu - 2 * sigma)) / sigma
    if abs(position - round(position)) < 1e-6 or abs(s - mu) < 1e-9:
        return  # on an edge the division may round to either side
    q = int(np.floor(position)) + (2 if s < mu else 1)
    assert quality_level(np.array([s]), Distribution(mu, sigma, 2))[0] == min(5, max(1, q))


def test_levels_never_fall_as_the_score_rises():
    s = np.linspace(2, 5, 1001)
    for quantiser in ("swapped", "literal"):
        assert (np.diff(quality_level(s, AT, quantiser)) >= 0).all()


@pytest.mark.parametrize(
    ("s", "none", "medium", "nearest"),
    [
        (3.25 - EPS, "low", "low", "low"),
        (3.25, "", "medium", "low"),
        (3.25 + EPS, "", "medium", "low"),
        (3.375 - EPS, "", "medium", "low"),
        (3.375, "", "medium", "medium"),
        (3.5 - EPS, "", "medium", "medium"),
        (3.5, "medium", "medium", "medium"),
        (3.75, "medium", "medium", "medium"),
        (4.0, "medium", "medium", "medium"),
        (4.0 + EPS, "", "medium", "medium"),
        (4.125, "", "medium", "medium"),
        (4.125 + EPS, "", "medium", "high"),
        (4.25, "", "medium", "high"),
        (4.25 + EPS, "high", "high", "high"),
        (np.nan, "", "", ""),
    ],
)
def test_prefixes_at_every_boundary(s, none, medium, nearest):
    named = {policy: prefix(s, policy).removesuffix(" quality") for policy in ("none", "medium", "nearest")}
    assert named == {"none": none, "medium": medium, "nearest": nearest}


def test_equal_scores_are_all_medium():
    at = fit(np.full(7, 4.2))
    assert at.sigma == 0
    assert quality_level(np.array([4.2, 4.1, 4.3, np.nan]), at).tolist() == [3, 1, 5, 0]
    assert quality_level(np.array([4.2]), at, "literal").tolist() == [3]
    assert quality_prefix(np.array([4.2]), at) == ["medium quality"]


def test_the_fit_is_mean_and_population_deviation_of_finite_scores():
    at = fit(np.array([1.0, 3.0, np.nan, np.inf]))
    assert (at.mu, at.sigma, at.n) == (2.0, 1.0, 2)


def test_a_fit_to_no_score_is_refused():
    with pytest.raises(ValueError, match="none of 2 p-MOS scores is finite"):
        fit(np.array([np.nan, np.nan]))
