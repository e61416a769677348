"""Fréchet distance."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import sqrtm

from padstal.evaluation.frechet import Gaussian, frechet, frechet_draws, gaussian, is_singular
from padstal.evaluation.hear import Heard


def features(n: int, width: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, width)) @ generator.standard_normal(
        (width, width)
    ) + generator.standard_normal(width)


def test_equal_covariances_leave_the_squared_distance_of_means() -> None:
    first, second = Gaussian(np.zeros(3), np.eye(3), 9), Gaussian(np.array([1.0, 2.0, 2.0]), np.eye(3), 9)
    assert frechet(first, second) == pytest.approx(9)


def test_commuting_covariances_have_the_closed_form() -> None:
    a, b = np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 0.25])
    distance = frechet(Gaussian(np.zeros(3), np.diag(a), 9), Gaussian(np.zeros(3), np.diag(b), 9))
    assert distance == pytest.approx(((np.sqrt(a) - np.sqrt(b)) ** 2).sum())


def test_it_agrees_with_scipys_matrix_square_root() -> None:
    x, y = features(200, 8, 0), features(150, 8, 1)
    a, b = np.cov(x.T), np.cov(y.T)
    oracle = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(gaussian(x), gaussian(y)) == pytest.approx(oracle, rel=1e-8)


@pytest.mark.parametrize(("clips", "references", "singular"), [(9, 9, False), (8, 9, True), (9, 8, True)])
def test_too_few_clips_on_either_side_are_flagged(clips: int, references: int, singular: bool) -> None:
    heard, real = (
        Heard(np.zeros(n), np.zeros(n), features(n, 8, seed), np.zeros(n), np.zeros((n, 3)))
        for seed, n in enumerate((clips, references))
    )
    judged = SimpleNamespace(clips=heard, reference=SimpleNamespace(heard=real))
    assert is_singular(judged) is singular  # type: ignore[arg-type]


def test_the_distance_of_singular_covariances_is_symmetric() -> None:
    x, y = gaussian(features(5, 8, 0)), gaussian(features(6, 8, 1))
    assert frechet(x, y) == pytest.approx(frechet(y, x), rel=1e-5)
    assert frechet(x, x) == pytest.approx(0, abs=1e-4)


def test_draws_are_distances_of_repeated_features() -> None:
    reference, x = gaussian(features(50, 4, 0)), features(20, 4, 1)
    counts = np.random.default_rng(2).multinomial(20, np.full(20, 0.05), size=3)
    direct = [frechet(reference, gaussian(np.repeat(x, c, axis=0))) for c in counts]
    np.testing.assert_allclose(frechet_draws(reference, x, counts), direct, rtol=1e-9)


@pytest.mark.parametrize("at_once", [1, 200, 2**26])
def test_rows_that_count_alike_are_multiplied_once_whatever_memory_holds(at_once: int) -> None:
    reference, x = gaussian(features(50, 4, 0)), features(60, 4, 1) + 100
    counts = np.random.default_rng(2).multinomial(20, np.full(20, 0.05), size=7).repeat(3, axis=1)
    direct = [frechet(reference, gaussian(np.repeat(x, c, axis=0))) for c in counts]
    np.testing.assert_allclose(frechet_draws(reference, x, counts, at_once), direct, rtol=1e-9)


def test_one_clip_or_a_broken_feature_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        gaussian(np.ones((1, 3)))
    with pytest.raises(ValueError, match="clip 1 is not finite"):
        gaussian(np.array([[0.0], [np.nan], [1.0]]))
