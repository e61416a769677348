"""Measures against the composer's truth."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from padstal.evaluation.truth import (
    accuracy,
    caption_faults,
    correlation,
    duplicates,
    genre_named,
    recall_at,
    separation,
    wilson,
)


def test_recall_at_10_is_1_for_own_embeddings_and_chance_for_blind_ones() -> None:
    x = np.random.default_rng(0).standard_normal((400, 64))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    perfect, blind = recall_at(x, x), recall_at(x, np.roll(x, 7, axis=0))
    assert perfect is not None
    assert blind is not None
    assert perfect["value"] == 1
    assert perfect["times_chance"] == pytest.approx(40)
    assert blind["value"] == pytest.approx(blind["chance"], abs=0.03)
    assert recall_at(x[:10], x[:10]) is None


def test_texts_that_say_nothing_do_not_win_by_ties() -> None:
    x = np.random.default_rng(0).standard_normal((40, 8))
    found = recall_at(x, np.zeros((40, 8)))
    assert found is not None
    assert found["value"] == 0


def test_accuracy_counts_the_best_class() -> None:
    found = accuracy(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), ("jazz", "rock"), ["jazz", "rock", "rock"])
    assert found == {"value": pytest.approx(2 / 3), "chance": 0.5, "times_chance": pytest.approx(4 / 3), "n": 3}
    assert accuracy(np.zeros((1, 2)), ("jazz", "rock"), ["polka"]) is None


def test_correlation_is_none_where_it_means_nothing() -> None:
    assert correlation(np.array([1.0, 2, 3]), np.array([2.0, 4, 9])) == pytest.approx(1)
    assert correlation(np.array([1.0, 1, 1]), np.array([2.0, 4, 9])) is None


def test_separation_is_the_area_under_the_roc_curve() -> None:
    generator = np.random.default_rng(0)
    positive, score = generator.random(60) < 0.3, generator.integers(0, 9, 60)
    assert separation(score, positive) == pytest.approx(roc_auc_score(positive, score))
    assert separation(score, np.zeros(60, bool)) is None


def test_genres_are_found_as_whole_words() -> None:
    genres = ("hip hop", "metal", "pop")
    texts = ["Hip Hop with metal drums", "metallic popcorn", "a pop tune", ""]
    assert genre_named(texts, genres) == ["hip hop", "", "pop", ""]


def captions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": ["a", "b", "b", "c", "d"],
            "original": ["jazz", "rock", "rock", "jazz", ""],
            "caption": ["rock", "rock", "jazz", "jazz", "rock"],
            "decision": ["replaced", "kept", "replaced", "kept_unfit", "captioned"],
            "similarity_original_audio": [0.1, 0.8, 0.3, 0.2, np.nan],
            "similarity_generated_audio": [0.9, 0.8, 0.8, 0.1, 0.5],
            "similarity_original_generated": [0.2, 0.9, 0.1, 0.4, np.nan],
            "caption_fault": ["wrong", "", "", "wrong", "missing"],
            "genre": ["rock", "rock", "rock", "rock", "rock"],
        }
    )


def test_planted_wrong_captions_that_were_replaced_are_hits() -> None:
    table = captions()
    found: Any = caption_faults(table, ("jazz", "rock"))
    wrong = found["wrong"]
    assert (wrong["planted"], wrong["flagged"], wrong["precision"], wrong["recall"]) == (2, 2, 0.5, 0.5)
    assert wrong["tracks"] == 2
    assert wrong["precision_interval"] is not None
    assert found["genre_before"] == {"right_of_naming": 0.5, "naming": 0.8, "right_of_all": 0.4, "n": 5}
    assert found["genre_after"]["right_of_all"] == pytest.approx(0.6)
    assert caption_faults(table[table["original"] == ""], ("jazz",)) is None


def test_each_score_has_its_area_whatever_was_decided() -> None:
    found: Any = caption_faults(captions(), ("jazz", "rock"))
    assert found["wrong"]["roc_area"] == 1
    assert found["wrong"]["roc_area_of_disagreement"] == 0.5
    assert found["wrong"]["roc_area_of_better_generated"] == 0.5


def test_a_wrong_caption_is_left_where_it_is_kept_or_fused() -> None:
    table = captions()
    gone, kept = ("redundant", "fusion_rejected", "unconditional"), ("fused", "kept", "kept_unfit")
    for decision in (*gone, *kept):
        table.loc[3, "decision"] = decision
        found: Any = caption_faults(table, ("jazz", "rock"))
        assert (found["wrong_left"]["value"], found["wrong_left"]["n"]) == (0.5 if decision in kept else 0.0, 2)
        assert found["right_left"]["value"] == 0.5
        assert found["wrong_became"] == {"replaced": 0.5, decision: 0.5}


def test_precision_and_recall_follow_the_threshold() -> None:
    found: Any = caption_faults(captions(), ("jazz", "rock"))
    rows = found["wrong_by_threshold"]
    assert [row["rho2"] for row in rows] == sorted(row["rho2"] for row in rows)
    by_threshold = {row["rho2"]: (row["precision"], row["recall"]) for row in rows}
    assert by_threshold[0.1] == (1.0, 0.5)
    assert by_threshold[0.2] == (1.0, 1.0)


def test_either_file_of_a_pair_is_a_hit_and_strangers_are_false_alarms() -> None:
    truth = pd.DataFrame(
        {
            "path": ["a", "b", "c", "d", "e", "f"],
            "duplicate_of": ["", "a", "", "c", "", "e"],
            "duplicate_kind": ["", "near", "", "near", "", "exact"],
        }
    )
    found = duplicates(truth, "near", {"a", "x"}, [{"c", "d"}]).as_json()
    assert (found["planted"], found["flagged"], found["precision"], found["recall"]) == (2, 2, 0.5, 1.0)
    none = duplicates(truth, "exact", set()).as_json()
    assert (none["planted"], none["flagged"], none["precision"], none["recall"]) == (1, 0, None, 0.0)
    assert none["precision_interval"] is None


def test_the_interval_of_a_share_is_wilsons_and_wide_where_all_of_few_are_right() -> None:
    assert wilson(10, 10) == pytest.approx([1 / (1 + 1.96**2 / 10), 1.0], abs=1e-4)
    assert wilson(3, 7) == pytest.approx([0.1582, 0.7495], abs=1e-4)
    assert wilson(0, 0) is None
