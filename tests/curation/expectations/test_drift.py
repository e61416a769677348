import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.curation.expectations import drift
from padstal.curation.expectations.config import DriftLimits
from padstal.curation.expectations.drift import (
    LEVELS_K,
    compare,
    distance,
    frechet,
    jensen_shannon,
    noise,
    profile,
    wasserstein,
)

LIMITS = DriftLimits(severity="warning", categorical=0.1, numeric=0.3, embedding=0.2, false_alarm=0.01)
CHANCE_ALONE = DriftLimits(severity="warning", categorical=0.0, numeric=0.0, embedding=0.0, false_alarm=0.05)


def clips(seed, tracks=200, of_track=3, shift=0.0, licences=(0.7, 0.3)):
    """Clips of tracks that differ in loudness and licence; clips of a track hardly differ."""
    rng = np.random.default_rng(seed)
    loudness_N, licence_N = rng.normal(-20 + shift, 2, tracks), rng.choice(["CC0-1.0", "CC-BY-4.0"], tracks, p=licences)
    rows_K = np.repeat(np.arange(tracks), of_track)
    return pd.DataFrame(
        {
            "track_id": [f"t{row}" for row in rows_K],
            "loudness_lufs": loudness_N[rows_K] + 0.01 * rng.standard_normal(len(rows_K)),
            "licence": licence_N[rows_K],
            "caption": "jazz, piano",
            "split": "train",
            "tags": [("jazz", "jazz, piano")[row % 2] for row in rows_K],
        }
    )


def gaussian(seed, tracks, shift=0.0, features=32):
    rng = np.random.default_rng(seed)
    x_ND = rng.standard_normal((tracks, features)) * np.linspace(0.1, 1, features) + shift
    return np.vstack([x_ND.mean(axis=0), np.cov(x_ND.T, bias=True)])


def drifted(shifts):
    return {shift.feature for shift in shifts if shift.distance > shift.limit}


def test_js_is_0_of_equals_1_bit_of_strangers_and_known_in_between():
    assert jensen_shannon(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)
    # H(3/4, 1/4) − (0 + 1)/2
    expected = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)) - 0.5
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(expected)


@given(st.lists(st.integers(1, 100), min_size=4, max_size=4), st.lists(st.integers(1, 100), min_size=4, max_size=4))
@settings(deadline=None)
def test_js_is_symmetric_and_within_a_bit(p, q):
    p, q = np.array(p) / sum(p), np.array(q) / sum(q)
    assert 0 <= jensen_shannon(p, q) <= 1
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-12)


def test_wasserstein_of_a_shift_is_the_shift_over_sigma_and_has_no_unit():
    x = np.quantile(np.random.default_rng(0).normal(5, 2, 5000), LEVELS_K)
    assert wasserstein(x, x + 3) == pytest.approx(3 / x.std())
    assert wasserstein(1000 * x, 1000 * (x + 3)) == pytest.approx(3 / x.std())
    assert wasserstein(x, x) == 0
    # A uniform distribution on [0, 1] against one on [0, 2]: ∫ u du = 1/2, over σ = 1/√12
    assert wasserstein(LEVELS_K, 2 * LEVELS_K) == pytest.approx(0.5 * np.sqrt(12), rel=1e-3)


def test_a_reference_that_does_not_vary_counts_a_change_by_its_value():
    constant = np.full(len(LEVELS_K), 18.0)
    assert wasserstein(constant, constant) == 0
    assert wasserstein(constant, constant + 18e-5) == pytest.approx(0.01)
    assert wasserstein(constant, constant + 1.8) == pytest.approx(100)
    assert wasserstein(np.zeros(101), np.zeros(101)) == 0


def test_frechet_has_its_closed_forms():
    one, eye = np.ones(3), np.eye(3)
    assert frechet(0 * one, eye, 2 * one, eye) == pytest.approx(12 / 3)  # ‖μ‖² over tr Σ
    assert frechet(one, eye, one, 4 * eye) == pytest.approx(3 * (2 - 1) ** 2 / 3)  # Σ (σ₁ − σ₂)²
    a = np.random.default_rng(0).standard_normal((20, 3))
    covariance = a.T @ a
    assert frechet(one, covariance, one, covariance) == pytest.approx(0, abs=1e-9)


def test_the_projection_keeps_the_distance_of_two_embeddings():
    near, far = gaussian(0, 400), gaussian(1, 400, shift=0.5)
    whole = frechet(near[0], near[1:], far[0], far[1:])
    seen = frechet(*drift.project(near), *drift.project(far))
    assert seen == pytest.approx(whole, rel=0.6)
    assert drift.project(near)[1].shape == (16, 16)


def test_a_track_weighs_one_however_many_clips_it_has():
    table = pd.DataFrame(
        {"track_id": ["a"] * 9 + ["b"], "licence": ["x"] * 9 + ["y"], "loudness_lufs": [-10.0] * 9 + [-30.0]}
    )
    found = profile(table)
    assert found["tracks"] == 2
    assert found["features"]["licence"]["share"] == {"x": pytest.approx(0.5), "y": pytest.approx(0.5)}
    assert np.mean(found["features"]["loudness_lufs"]["quantiles"]) == pytest.approx(-20)


def test_tags_share_the_weight_of_their_track_and_no_tag_is_a_category():
    table = pd.DataFrame({"track_id": ["a", "b"], "tags": ["jazz, piano", ""]})
    assert profile(table)["features"]["tags"]["share"] == {"": 0.5, "jazz": 0.25, "piano": 0.25}


def test_rare_categories_are_counted_together():
    table = pd.DataFrame({"track_id": [f"t{i}" for i in range(300)], "licence": [f"l{i}" for i in range(300)]})
    share = profile(table)["features"]["licence"]["share"]
    assert len(share) == drift.CATEGORIES + 1
    assert sum(share.values()) == pytest.approx(1)


def test_values_that_are_missing_or_infinite_are_left_out():
    table = clips(0, tracks=4).assign(pmos=np.nan, bandwidth_hz=[np.inf, np.nan, 1.0] * 4)
    features = profile(table)["features"]
    assert "pmos" not in features
    assert features["bandwidth_hz"]["quantiles"][0] == 1.0


@pytest.mark.slow
def test_unchanged_data_raise_no_alarm_and_changed_data_do():
    reference = profile(clips(0), gaussian(0, 200))
    assert drifted(compare(reference, profile(clips(1), gaussian(1, 200)), LIMITS)) == set()
    assert drifted(compare(reference, profile(clips(1, shift=1.0), gaussian(1, 200)), LIMITS)) == {"loudness_lufs"}
    assert drifted(compare(reference, profile(clips(1, licences=(0.2, 0.8))), LIMITS)) == {"licence"}
    assert drifted(compare(reference, profile(clips(1), gaussian(1, 200, shift=0.5)), LIMITS)) == {drift.EMBEDDING}


@pytest.mark.slow
def test_chance_alone_raises_an_alarm_as_seldom_as_asked():
    alarms = {"loudness_lufs": 0, "licence": 0, drift.EMBEDDING: 0}
    trials = 60
    for trial in range(trials):
        old, new = (profile(clips(2 * trial + k, tracks=60), gaussian(2 * trial + k, 60)) for k in (0, 1))
        for name in drifted(compare(old, new, CHANCE_ALONE)) & set(alarms):
            alarms[name] += 1
    assert all(count <= trials * 0.05 + 3 * np.sqrt(trials * 0.05 * 0.95) for count in alarms.values()), alarms
    assert sum(alarms.values()) > 0  # a limit that nothing reaches would be no limit


@pytest.mark.slow
def test_more_data_allow_less_noise():
    features = profile(clips(0), gaussian(0, 200))["features"]
    for name in ("licence", "loudness_lufs", drift.EMBEDDING):
        few, many, most = (noise(name, features[name], n, n, 0.05) for n in (20, 2_000, 200_000))
        assert few > 3 * many > 9 * most > 0, name


def test_the_same_profiles_have_the_same_limits():
    features = profile(clips(0), gaussian(0, 50))["features"]
    for name, feature in features.items():
        assert noise(name, feature, 50, 60, 0.01) == noise(name, feature, 50, 60, 0.01)


def test_without_a_reference_or_with_too_little_data_nothing_is_compared():
    current = profile(clips(0))
    assert compare({"features": {}, "tracks": 0}, current, LIMITS) == ()
    assert compare(profile(clips(0, tracks=1)), current, LIMITS) == ()


def test_features_that_one_side_lacks_are_left_out():
    reference = profile(clips(0), gaussian(0, 50))
    names = [shift.feature for shift in compare(reference, profile(clips(1).drop(columns="licence")), LIMITS)]
    assert names == ["caption_bytes", "loudness_lufs", "split", "tags"]


def test_a_category_that_is_new_counts():
    old, new = ({"kind": "categorical", "share": share} for share in ({"a": 1.0}, {"a": 0.5, "b": 0.5}))
    assert distance(old, new) == pytest.approx(jensen_shannon(np.array([1, 0.0]), np.array([0.5, 0.5])))


def test_the_suite_has_an_expectation_a_feature_with_its_own_limit():
    shifts = compare(profile(clips(0)), profile(clips(1, shift=4)), LIMITS)
    suite, table = drift.suite(shifts, "warning"), drift.table(shifts)
    assert [expectation.column for expectation in suite] == [shift.feature for shift in shifts]
    assert all(expectation.column in table and "padstal profile" in expectation.advice for expectation in suite)
    assert len(table) == 1
    assert drift.as_json(shifts)["loudness_lufs"]["distance"] == pytest.approx(2, rel=0.2)
