import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf as reference_ledoit_wolf

from padstal.curation.likelihood import fit, ledoit_wolf, most_likely, track_embeddings


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_shrinkage_equals_scikit_learns():
    rng = np.random.default_rng(0)
    for n, d in ((10, 3), (40, 30), (20, 50)):
        x = unit(rng.standard_normal((n, d)) * np.linspace(0.1, 2, d))
        covariance, shrinkage = ledoit_wolf(x)
        expected, expected_shrinkage = reference_ledoit_wolf(x)
        np.testing.assert_allclose(covariance, expected, rtol=1e-10, atol=1e-14)
        assert shrinkage == pytest.approx(expected_shrinkage, rel=1e-10)


def test_log_likelihood_equals_scipys():
    x = np.random.default_rng(1).standard_normal((50, 6))
    gaussian = fit(x, min_tracks=2)
    covariance, _ = ledoit_wolf(x)
    expected = multivariate_normal(x.mean(axis=0), covariance).logpdf(x)
    np.testing.assert_allclose(gaussian.log_likelihood(x), expected, rtol=1e-10)


def test_the_most_likely_fifth_of_a_gaussian_is_the_ball_around_its_mean():
    x = np.random.default_rng(2).standard_normal((2000, 4))
    chosen = most_likely(fit(x, min_tracks=2).log_likelihood(x), 0.2)
    radius = np.linalg.norm(x, axis=1)
    assert chosen.sum() == 400
    inner = np.argsort(radius)[:400]
    assert chosen[inner].mean() > 0.95


def test_more_features_than_tracks_still_give_finite_likelihoods():
    x = unit(np.random.default_rng(3).standard_normal((12, 64)))
    assert np.isfinite(fit(x, min_tracks=2).log_likelihood(x)).all()


def test_tracks_on_a_plane_still_give_finite_likelihoods_and_the_stranger_is_least_likely():
    rng = np.random.default_rng(4)
    x = np.zeros((30, 8))
    x[:, :2] = rng.standard_normal((30, 2))
    gaussian = fit(x, min_tracks=2)
    off_plane = np.zeros((1, 8))
    off_plane[0, 5] = 1.0
    assert gaussian.log_likelihood(off_plane)[0] < gaussian.log_likelihood(x).min()


def test_equal_embeddings_are_refused():
    with pytest.raises(ValueError, match="of 5 tracks are all equal"):
        fit(np.ones((5, 3)) / np.sqrt(3), min_tracks=2)


def test_too_few_tracks_are_refused():
    with pytest.raises(ValueError, match="3 tracks: expected at least 10"):
        fit(np.eye(3), min_tracks=10)


def test_an_embedding_that_is_not_finite_is_refused():
    x = np.eye(4)
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 4 embeddings are not finite"):
        fit(x, min_tracks=2)


@pytest.mark.parametrize(("share", "count"), [(1.0, 10), (0.9, 9), (0.85, 9), (0.2, 2), (0.01, 1)])
def test_the_kept_share_is_rounded_up(share, count):
    assert most_likely(np.arange(10.0), share).sum() == count


def test_a_track_is_the_unit_mean_of_its_clips():
    clips = np.array([[1.0, 0], [0, 1], [0, 1]], dtype=np.float32)
    tracks, embeddings = track_embeddings(clips, np.array(["b", "b", "a"]))
    assert tracks.tolist() == ["a", "b"]
    np.testing.assert_allclose(embeddings, [[0, 1], [np.sqrt(0.5), np.sqrt(0.5)]])
