import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.curation.levels import LEVELS, UNKNOWN_LEVEL, Distribution, fit, quality_level, quality_prefix

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
        (3.25 + EPS, 1),
        (3.5 - EPS, 1),
        (3.5, 2),
        (3.5 + EPS, 2),
        (3.75 - EPS, 2),
        (3.75, 3),
        (3.75 + EPS, 4),
        (4.0 - EPS, 4),
        (4.0, 5),
        (4.0 + EPS, 5),
        (4.25 - EPS, 5),
        (4.25, 5),
        (4.25 + EPS, 5),
        (100.0, 5),
        (-100.0, 1),
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
        (3.375 + EPS, "", "medium", "medium"),
        (3.5 - EPS, "", "medium", "medium"),
        (3.5, "medium", "medium", "medium"),
        (3.5 + EPS, "medium", "medium", "medium"),
        (3.75, "medium", "medium", "medium"),
        (4.0 - EPS, "medium", "medium", "medium"),
        (4.0, "medium", "medium", "medium"),
        (4.0 + EPS, "", "medium", "medium"),
        (4.125 - EPS, "", "medium", "medium"),
        (4.125, "", "medium", "medium"),
        (4.125 + EPS, "", "medium", "high"),
        (4.25 - EPS, "", "medium", "high"),
        (4.25, "", "medium", "high"),
        (4.25 + EPS, "high", "high", "high"),
        (np.inf, "high", "high", "high"),
        (-np.inf, "low", "low", "low"),
        (np.nan, "", "", ""),
    ],
)
def test_prefixes_at_every_boundary(s, none, medium, nearest):
    named = {policy: prefix(s, policy).removesuffix(" quality") for policy in ("none", "medium", "nearest")}
    assert named == {"none": none, "medium": medium, "nearest": nearest}
    outer = none if none or np.isnan(s) else "low" if s < 3.5 else "high"
    assert prefix(s, "outer").removesuffix(" quality") == outer


@given(st.floats(1, 5), st.floats(0.01, 1.5))
@settings(deadline=None)
def test_levels_and_prefixes_turn_at_the_same_floats(mu, sigma):
    at = Distribution(mu, sigma, 2)
    edges = np.array([mu - 2 * sigma, mu - sigma, mu + sigma, mu + 2 * sigma])
    below, above = np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)
    assert quality_level(below, at).tolist() == [1, 2, 3, 4]
    assert quality_level(edges, at).tolist() == quality_level(above, at).tolist() == [2, 3, 4, 5]
    assert quality_prefix(below, at) == ["low quality", "", "medium quality", ""]
    assert quality_prefix(edges, at) == ["", "medium quality", "medium quality", ""]
    assert quality_prefix(above, at) == ["", "medium quality", "", "high quality"]


@given(st.lists(st.one_of(st.floats(-10, 10), st.just(float("nan"))), min_size=1, max_size=20))
@settings(deadline=None)
def test_a_level_is_unknown_exactly_where_the_score_is_and_the_batch_does_not_matter(scores):
    s = np.array(scores)
    for quantiser in ("swapped", "literal"):
        found = quality_level(s, AT, quantiser)
        assert ((found == UNKNOWN_LEVEL) == np.isnan(s)).all()
        assert set(found) <= {UNKNOWN_LEVEL, *LEVELS}
        assert found.tolist() == [level(float(score), quantiser) for score in s]


def test_float32_scores_have_the_levels_of_their_exact_values():
    s = np.array([3.25, 3.5, 4.0, 4.25], np.float32)
    assert quality_level(s, AT).tolist() == [2, 3, 4, 5]
    assert quality_level(np.nextafter(s, np.float32(0)), AT).tolist() == [1, 2, 3, 4]


def test_equal_scores_are_all_medium():
    at = fit(np.full(7, 4.2))
    assert at.sigma == 0
    assert quality_level(np.array([4.2, 4.1, 4.3, np.nan]), at).tolist() == [3, 1, 5, 0]
    assert quality_level(np.array([4.2]), at, "literal").tolist() == [3]
    for policy in ("none", "medium", "nearest", "outer"):
        prefixes = quality_prefix(np.array([4.1, 4.2, 4.3, np.nan]), at, policy)
        assert prefixes == ["low quality", "medium quality", "high quality", ""]


def test_the_fit_is_mean_and_population_deviation_of_finite_scores():
    at = fit(np.array([1.0, 3.0, np.nan, np.inf]))
    assert (at.mu, at.sigma, at.n) == (2.0, 1.0, 2)


def test_a_fit_to_no_score_is_refused():
    with pytest.raises(ValueError, match="none of 2 p-MOS scores is finite"):
        fit(np.array([np.nan, np.nan]))
