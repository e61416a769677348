"""Genre neighbourhoods in latent space."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from padstal.evaluation.neighbours import neighbourhood, pool, precision_at_k

GENRE = np.array(["a", "b"])


def test_separate_genres_give_1_and_noise_gives_chance() -> None:
    generator = np.random.default_rng(0)
    q, n = generator.integers(0, 2, 400), generator.integers(0, 2, 600)
    tracks = np.arange(1000)
    clue = np.eye(2)
    args = (GENRE[q], tracks[:400])
    apart, _ = precision_at_k(20 * clue[q], *args, 20 * clue[n] + generator.random((600, 2)), GENRE[n], tracks[400:], 5)
    assert apart.mean() == 1
    blind, chance = precision_at_k(
        generator.random((400, 3)), *args, generator.random((600, 3)), GENRE[n], tracks[400:], 5
    )
    assert chance.mean() == pytest.approx(0.5, abs=0.02)
    assert blind.mean() == pytest.approx(0.5, abs=0.06)


def test_neighbours_are_scikit_learns_after_standardising_on_the_candidates() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((30, 4)) * [1, 9, 1, 1], generator.standard_normal((50, 4)) * [1, 9, 1, 1]
    q, n = generator.integers(0, 2, 30), generator.integers(0, 2, 50)
    ours, _ = precision_at_k(x, GENRE[q], np.arange(30), y, GENRE[n], np.arange(30, 80), 5)
    scaled = [(z - y.mean(0)) / y.std(0) for z in (x, y)]
    found = NearestNeighbors(n_neighbors=5).fit(scaled[1]).kneighbors(scaled[0], return_distance=False)
    np.testing.assert_allclose(ours, (n[found] == q[:, None]).mean(axis=1))


def test_clips_of_the_own_track_do_not_count() -> None:
    candidates = np.array([[0.0], [1.0], [5.0]])
    precision, chance = precision_at_k(
        np.array([[0.0]]),
        np.array(["a"]),
        np.array(["t"]),
        candidates,
        np.array(["a", "b", "a"]),
        np.array(["t", "u", "v"]),
        1,
    )
    assert precision.tolist() == [0]
    assert chance.tolist() == [0.5]


def test_a_query_with_too_few_candidates_has_no_precision() -> None:
    one = np.zeros((1, 1)), np.array(["a"]), np.array(["t"])
    precision, chance = precision_at_k(*one, np.zeros((3, 1)), np.array(["a"] * 3), np.array(["t", "u", "v"]), 3)
    assert np.isnan(precision).all()
    assert neighbourhood(precision, chance, np.array(["t"]), 100, 0.95, np.random.default_rng(0)) is None


def test_interval_resamples_tracks_not_clips() -> None:
    precision = np.repeat([0.0, 1.0, 0.0, 1.0], 25)
    few, many = np.repeat(np.arange(4), 25), np.arange(100)
    wide, narrow = (
        neighbourhood(precision, precision, tracks, 1000, 0.95, np.random.default_rng(0)).interval  # type: ignore[union-attr]
        for tracks in (few, many)
    )
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])  # type: ignore[index]


def test_latents_are_pooled_over_frames_or_flattened() -> None:
    latent = np.arange(12, dtype=np.float16).reshape(1, 3, 4)
    assert pool(latent, "mean").tolist() == [[1.5, 5.5, 9.5]]
    assert pool(latent, "flat").tolist() == [list(range(12))]
    with pytest.raises(ValueError, match="expected mean or flat"):
        pool(latent, "max")
