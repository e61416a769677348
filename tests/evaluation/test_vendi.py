"""Vendi score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vendi_score import vendi as reference

from padstal.evaluation.vendi import vendi, vendi_draws


def unit(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal(shape)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_n_copies_score_1_and_n_orthogonal_vectors_score_n(n: int) -> None:
    assert vendi(np.repeat(unit((1, 9)), n, axis=0)) == pytest.approx(1)
    assert vendi(np.eye(9)[:n]) == pytest.approx(n)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (12, 12)])
def test_both_forms_agree_with_vendi_score(shape: tuple[int, int]) -> None:
    x = unit(shape)
    assert vendi(x) == pytest.approx(reference.score_X(x, normalize=False), rel=1e-9)
    assert vendi(x) == pytest.approx(reference.score_K(x @ x.T), rel=1e-9)


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(2, 30), st.integers(0, 1000))
def test_a_weighted_set_is_the_set_with_repeats(n: int, width: int, seed: int) -> None:
    x = unit((n, width), seed)
    counts = np.random.default_rng(seed).integers(0, 4, n)
    counts[0] += 1
    drawn = vendi_draws(x, counts[None], at_once=1)[0]
    assert drawn == pytest.approx(vendi(np.repeat(x, counts, axis=0)), rel=1e-8)
    assert 1 - 1e-9 <= drawn <= n + 1e-9


def test_features_of_other_norm_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 1"):
        vendi(2 * np.eye(3))
