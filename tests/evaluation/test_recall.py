"""Recall."""

import numpy as np
import pytest
from prdc import compute_prdc

from padstal.evaluation.recall import genre_recall_draws, measured_genres, recall_draws


def recall(generated: np.ndarray, reference: np.ndarray, k: int) -> float:
    return float(recall_draws(generated, reference, np.ones((1, len(generated)), bool), k)[0])


def two_sets(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((60, 5)), generator.standard_normal((45, 5)) * 1.3 + 0.4


@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_agrees_with_prdc_and_so_does_precision_with_the_sets_exchanged(k: int) -> None:
    generated, reference = two_sets()
    oracle = compute_prdc(reference, generated, nearest_k=k)
    assert recall(generated, reference, k) == pytest.approx(oracle["recall"])
    assert recall(reference, generated, k) == pytest.approx(oracle["precision"])


def test_a_point_on_the_edge_is_outside() -> None:
    pair = np.array([[0.0], [1.0]])
    assert recall(pair, np.array([[2.0]]), 1) == 0
    assert recall(pair, np.array([[1.999]]), 1) == 1


def test_draws_are_recalls_of_the_present_clips() -> None:
    generated, reference = two_sets(1)
    present = np.random.default_rng(3).random((20, len(generated))) < 0.5
    direct = [recall(generated[mask], reference, 3) for mask in present]
    np.testing.assert_allclose(recall_draws(generated, reference, present, 3, at_once=1), direct)
    np.testing.assert_allclose(recall_draws(generated, reference, present, 3), direct)


def test_a_draw_without_a_kth_neighbour_has_no_recall() -> None:
    generated, reference = two_sets()
    present = np.zeros((2, len(generated)), bool)
    present[0, :3] = present[1, :4] = True
    assert np.isnan(recall_draws(generated, reference, present, 3)).tolist() == [True, False]


def test_mrecall_is_the_mean_over_genres_and_windows_of_recall_within_them() -> None:
    generator = np.random.default_rng(5)
    generated, reference = generator.standard_normal((30, 3, 4)), generator.standard_normal((25, 3, 4))
    ours, theirs = generator.integers(0, 3, 30), generator.integers(0, 3, 25)
    everything = np.ones((1, 30), bool)
    value = genre_recall_draws(generated, ours, reference, theirs, everything, 2)
    by_hand = [
        np.mean([recall(generated[ours == g, w], reference[theirs == g, w], 2) for w in range(3)]) for g in range(3)
    ]
    assert measured_genres(ours, theirs, 2) == (0, 1, 2)
    assert value[0] == pytest.approx(np.mean(by_hand))


def test_genres_with_too_few_clips_are_left_out() -> None:
    generated, reference = two_sets()
    ours, theirs = np.zeros(60, int), np.zeros(45, int)
    ours[:2] = 1
    ours[2:12] = 2
    value = genre_recall_draws(generated[:, None], ours, reference[:, None], theirs, np.ones((1, 60), bool), 3)
    assert measured_genres(ours, theirs, 3) == (0,)
    assert value[0] == pytest.approx(recall(generated[12:], reference, 3))
