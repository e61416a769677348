import numpy as np
import pandas as pd
import pytest

from padstal.curation.config import WeightsParams
from padstal.curation.weights import effective_clips, sample_weights


def clips(**columns):
    count = len(next(iter(columns.values())))
    base = {
        "split": ["train"] * count,
        "track_id": [f"t{i}" for i in range(count)],
        "artist": ["a"] * count,
        "source": ["s"] * count,
        "tags": [""] * count,
    }
    return pd.DataFrame({**base, **columns})


def test_without_a_group_all_weigh_the_same():
    assert sample_weights(clips(artist=list("aaab")), WeightsParams(by="none", power=1.0)).tolist() == [1, 1, 1, 1]


def test_power_one_gives_every_artist_the_same_share_and_power_zero_every_clip():
    table = clips(artist=list("aaabbc"))
    weight = sample_weights(table, WeightsParams(by="artist", power=1.0))
    assert weight.mean() == pytest.approx(1)
    shares = pd.Series(weight).groupby(table["artist"]).sum() / weight.sum()
    assert shares.tolist() == pytest.approx([1 / 3] * 3)
    assert sample_weights(table, WeightsParams(by="artist", power=0.0)).tolist() == [1] * 6


def test_power_a_half_weighs_by_the_root_of_the_count():
    weight = sample_weights(clips(artist=list("aaaab")), WeightsParams(by="artist", power=0.5))
    assert weight[4] / weight[0] == pytest.approx(2)


def test_tracks_of_unknown_artists_are_groups_of_their_own_and_case_makes_no_artist():
    table = clips(artist=["", "", "", "A", "a"], track_id=["t", "t", "u", "v", "w"])
    weight = sample_weights(table, WeightsParams(by="artist", power=1.0))
    assert weight.tolist() == pytest.approx((np.array([0.5, 0.5, 1, 0.5, 0.5]) / 0.6).tolist())


def test_a_clip_of_several_tags_weighs_their_mean_and_untagged_clips_are_one_group():
    table = clips(tags=["rock, Calm", "rock", "rock; rock", "calm", "", ""])
    weight = sample_weights(table, WeightsParams(by="tag", power=1.0))
    raw = np.array([(1 / 3 + 1 / 2) / 2, 1 / 3, 1 / 3, 1 / 2, 1 / 2, 1 / 2])
    assert weight.tolist() == pytest.approx((raw / raw.mean()).tolist())


def test_held_out_clips_weigh_one_and_count_for_nothing():
    table = clips(artist=list("aabbbb"), split=["train", "train", "train", "test", "test", "test"])
    weight = sample_weights(table, WeightsParams(by="artist", power=1.0))
    assert weight[3:].tolist() == [1, 1, 1]
    assert weight[:3].tolist() == pytest.approx([0.75, 0.75, 1.5])


def test_the_effective_number_of_clips():
    assert effective_clips(np.ones(7)) == 7
    assert effective_clips(np.array([1.0, 0.0, 0.0])) == 1
    assert effective_clips(np.zeros(0)) == 0
