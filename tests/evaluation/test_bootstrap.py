"""Bootstrap over prompts."""

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from padstal.evaluation.bootstrap import centred, draw_counts, interval, mean_draws
from padstal.evaluation.vendi import vendi, vendi_draws


def test_a_draw_has_as_many_prompts_as_there_are() -> None:
    counts = draw_counts(7, 50, np.random.default_rng(0))
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()


def test_one_seed_gives_the_same_draws() -> None:
    first, second = (draw_counts(9, 20, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_interval_of_a_mean_is_scipys_percentile_interval() -> None:
    values = np.random.default_rng(1).exponential(size=80)
    draws = mean_draws(values, draw_counts(80, 20_000, np.random.default_rng(2)))
    oracle = scipy_bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, random_state=3
    ).confidence_interval
    np.testing.assert_allclose(interval(draws, values.mean(), 0.95), oracle, atol=0.01)


def test_interval_covers_a_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        values = generator.standard_normal(40)
        low, high = interval(mean_draws(values, draw_counts(40, 300, generator)), values.mean(), 0.9)  # type: ignore[misc]
        hits += low < 0 < high
    assert 0.8 < hits / 200 < 0.96


def test_vendi_draws_are_biased_downwards_and_centring_mends_it() -> None:
    x = np.random.default_rng(0).standard_normal((24, 64))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    draws = vendi_draws(x, draw_counts(24, 200, np.random.default_rng(1)))
    assert np.quantile(draws, 0.975) < vendi(x)
    low, high = interval(draws, vendi(x), 0.95)  # type: ignore[misc]
    assert low < vendi(x) < high


def test_draws_that_failed_stay_out_and_limits_hold() -> None:
    draws = np.r_[np.linspace(0, 1, 50), np.nan]
    assert centred(draws, 0.9).mean() == pytest.approx(0.9)
    assert interval(draws, 0.9, 0.9, (0, 1))[1] == 1  # type: ignore[index]
    assert interval(draws[-5:], 0.9, 0.9) is None
