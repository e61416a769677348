"""KL and inception score."""

import numpy as np
import pytest
from scipy.stats import entropy

from padstal.evaluation.inception import inception_score
from padstal.evaluation.kl import kl


def posteriors(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(5), n)


def test_kl_is_scipys_with_the_generated_clip_first() -> None:
    p, q = posteriors(30, 0), posteriors(30, 1)
    np.testing.assert_allclose(kl(p, q), entropy(p, q + 1e-6, axis=1), rtol=2e-3, atol=1e-4)
    assert not np.allclose(kl(p, q), kl(q, p), rtol=0.1)


def test_a_clip_against_itself_is_0_and_a_sure_miss_is_finite() -> None:
    p = posteriors(4, 2)
    np.testing.assert_allclose(kl(p, p), 0, atol=1e-4)
    assert kl(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(-np.log(1e-6))


def test_a_missing_reference_or_a_row_that_is_no_distribution_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\(4, 5\) generated against \(3, 5\)"):
        kl(posteriors(4, 0), posteriors(3, 0))
    with pytest.raises(ValueError, match="no distribution"):
        kl(2 * posteriors(4, 0), posteriors(4, 0))


def test_inception_score_is_1_for_equal_posteriors_and_the_number_of_classes_for_sure_ones() -> None:
    assert inception_score(np.repeat(posteriors(1, 0), 6, axis=0)) == pytest.approx(1)
    assert inception_score(np.repeat(np.eye(5), 2, axis=0)) == pytest.approx(5)


def test_inception_score_is_the_exponential_of_the_mean_kl_to_the_marginal() -> None:
    p = posteriors(40, 3)
    assert inception_score(p) == pytest.approx(np.exp(entropy(p, p.mean(0)[None], axis=1).mean()))
