"""CLAP score before and after, against closed forms."""

import numpy as np
import pandas as pd
import pytest

from padstal.evaluation.caption_effect import clustered_mean, effects


def test_a_clustered_mean_is_the_mean_over_clips_and_its_interval_that_of_tracks():
    rng = np.random.default_rng(0)
    level_T = rng.standard_normal(200)
    tracks = np.repeat(np.arange(200), 5)
    found = clustered_mean(level_T[tracks], tracks)
    assert found is not None
    assert found.value == pytest.approx(level_T.mean())
    assert found.n == 1000
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(1.96 * level_T.std() / np.sqrt(200), rel=0.1)  # not of 1,000 clips


def test_missing_values_are_left_out_and_one_track_has_no_interval():
    found = clustered_mean(np.array([1.0, np.nan, 3.0]), np.array(["a", "b", "a"], dtype=object))
    assert found is not None
    assert (found.value, found.n, found.interval) == (2.0, 2, None)
    assert clustered_mean(np.array([np.nan]), np.array(["a"], dtype=object)) is None


def test_the_difference_is_paired_over_clips_that_have_both():
    table = pd.DataFrame(
        {
            "track_id": ["a", "b", "c", "d"],
            "decision": ["fused", "fused", "captioned", "unconditional"],
            "similarity_original_audio": [0.2, 0.3, np.nan, np.nan],
            "similarity_caption_audio": [0.4, 0.4, 0.6, np.nan],
        }
    )
    found = effects(table)
    assert list(found) == ["all", "captioned", "fused", "unconditional"]
    assert found["all"].clips == 4
    assert found["all"].before.value == pytest.approx(0.25)
    assert found["all"].after.value == pytest.approx(1.4 / 3)
    assert found["all"].difference.value == pytest.approx(0.15)
    assert found["fused"].difference.interval[0] > 0
    assert found["captioned"].before is None
    assert found["captioned"].difference is None
    assert found["unconditional"].after is None
