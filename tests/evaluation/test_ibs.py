"""IBS."""

import numpy as np
import pytest

from padstal.evaluation.ibs import ibs


def test_copies_give_1_and_orthogonal_samples_0() -> None:
    same, different = np.repeat(np.eye(4)[:1], 3, axis=0), np.eye(4)[:3]
    np.testing.assert_allclose(ibs(np.stack([same, different])), [1, 0], atol=1e-12)


def test_it_is_the_mean_over_pairs_of_one_prompt_only() -> None:
    x = np.random.default_rng(0).standard_normal((5, 4, 6))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    pairs = [np.mean([p[i] @ p[j] for i in range(4) for j in range(4) if i != j]) for p in x]
    np.testing.assert_allclose(ibs(x), pairs)


def test_one_sample_has_no_pair() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        ibs(np.ones((3, 1, 2)))
