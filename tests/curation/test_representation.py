import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.curation.representation import UNTAGGED, entropy, loss


def tracks(*tags):
    return pd.DataFrame(
        {"track_id": [f"t{i}" for i in range(len(tags))], "tags": tags}, index=range(10, 10 + len(tags))
    )


def stays(table, *flags):
    return pd.Series(flags, index=table.index)


def test_each_tag_says_which_share_of_its_tracks_left():
    table = tracks("rock, loud", "rock", "rock", "rock", "folk", "folk", "")
    lost = loss(table, stays(table, False, True, True, True, True, False, True))
    assert list(lost["of_tag"]) == ["rock", "folk", "loud", UNTAGGED]
    assert lost["of_tag"] == {
        "rock": {"tracks": 4, "lost": 0.25},
        "folk": {"tracks": 2, "lost": 0.5},
        "loud": {"tracks": 1, "lost": 1.0},
        UNTAGGED: {"tracks": 1, "lost": 0.0},
    }
    assert (lost["tracks_before"], lost["tracks_after"], lost["tags"]) == (7, 5, 4)
    assert lost["entropy_before"] == pytest.approx(1.75)
    assert lost["entropy_after"] == pytest.approx(entropy(pd.Series([3, 1, 0, 1])))


def test_a_cut_that_takes_nothing_loses_nothing():
    table = tracks("rock", "folk")
    lost = loss(table, stays(table, True, True))
    assert lost["entropy_before"] == lost["entropy_after"]
    assert {row["lost"] for row in lost["of_tag"].values()} == {0.0}


@given(st.integers(1, 64))
def test_the_entropy_of_n_equally_common_tags_is_the_logarithm_of_n(n):
    assert 2 ** entropy(pd.Series([3] * n)) == pytest.approx(n)


def test_the_entropy_of_one_tag_and_of_none_is_zero():
    assert str(entropy(pd.Series([5, 0]))) == "0.0"
    assert entropy(pd.Series(dtype=int)) == 0
