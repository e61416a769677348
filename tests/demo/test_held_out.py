"""Retrieval, zero-shot and rank measures on cases whose value is known."""

import numpy as np
import pytest

from padstal.demo.held_out import mean_average_precision, recall_at, spearman, zero_shot_accuracy


def test_recall_of_orthogonal_pairs_is_1_and_of_copies_is_no_better_than_chance():
    pairs = np.eye(20)
    assert recall_at(pairs, pairs, 1) == 1
    same = np.ones((20, 4)) / 2
    assert recall_at(same, same, 10) == 0  # all tie: a tie counts against us
    assert recall_at(same, same, 20) == 1


def test_recall_counts_texts_whose_clip_is_among_the_k_nearest():
    audio = np.eye(4)
    text = np.array([[1, 0, 0, 0], [0.9, 0.5, 0, 0], [0.9, 0.8, 0.7, 0], [0.9, 0.8, 0.7, 0.6]])
    assert [recall_at(audio, text, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1.0]


def test_zero_shot_accuracy_counts_the_nearest_class():
    classes = np.eye(3)
    audio = np.array([[1, 0, 0], [0, 1, 0], [0, 0.2, 0.9], [0.9, 0, 0.1]])
    assert zero_shot_accuracy(audio, classes, np.array([0, 1, 1, 0])) == 0.75


def test_spearman_is_1_for_any_rising_function_and_0_for_a_constant():
    x = np.arange(10.0)
    assert spearman(np.exp(x), x) == pytest.approx(1)
    assert spearman(-x, x) == pytest.approx(-1)
    assert spearman(np.ones(10), x) == 0


def test_average_precision_of_a_known_ranking():
    posterior = np.array([[0.9], [0.8], [0.7], [0.6]])
    truth = np.array([[1], [0], [1], [0]])
    assert mean_average_precision(posterior, truth) == pytest.approx((1 + 2 / 3) / 2)
    absent = np.array([[1, 0], [0, 0], [1, 0], [0, 0]])
    assert mean_average_precision(np.repeat(posterior, 2, axis=1), absent) == pytest.approx((1 + 2 / 3) / 2)
