import numpy as np
import pytest
from prdc import compute_prdc

from padstal.evaluation.coverage import Balls, coverage_draws
from padstal.evaluation.recall import recall_draws


def two_sets() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.standard_normal((60, 5)), draw.standard_normal((45, 5)) * 1.3 + 0.4


@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_agrees_with_prdc(k: int) -> None:
    generated, reference = two_sets()
    oracle = compute_prdc(reference, generated, nearest_k=k)["coverage"]
    assert coverage_draws(generated, Balls.around(reference, k), np.ones((1, 60), bool))[0] == pytest.approx(oracle)


def test_a_draw_has_the_coverage_of_its_own_samples() -> None:
    generated, reference = two_sets()
    present = np.random.default_rng(1).random((5, 60)) < 0.3
    direct = [compute_prdc(reference, generated[own], nearest_k=3)["coverage"] for own in present]
    np.testing.assert_allclose(coverage_draws(generated, Balls.around(reference, 3), present), direct)


def test_samples_that_scatter_off_the_manifold_raise_recall_and_not_coverage() -> None:
    draw = np.random.default_rng(0)
    reference = draw.standard_normal((40, 4))
    near = reference[:10] + 0.05 * draw.standard_normal((10, 4))
    scattered = np.concatenate([near, 30 * draw.standard_normal((10, 4))])
    every = np.ones((1, 20), bool)
    assert recall_draws(scattered, reference, every, 3) > recall_draws(near, reference, every[:, :10], 3)
    balls = Balls.around(reference, 3)
    assert coverage_draws(scattered, balls, every) == coverage_draws(near, balls, every[:, :10])
