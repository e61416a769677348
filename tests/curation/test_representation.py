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
    assert lost.before == {"rock": 4, "folk": 2, "loud": 1, UNTAGGED: 1}
    assert list(lost.before) == ["rock", "folk", "loud", UNTAGGED]
    assert lost.after == {"rock": 3, "folk": 1, "loud": 0, UNTAGGED: 1}
    assert lost.tracks_lost == {"loud": 1.0, "folk": 0.5, "rock": 0.25, UNTAGGED: 0.0}
    assert list(lost.tracks_lost) == ["loud", "folk", "rock", UNTAGGED]


def test_a_cut_that_takes_nothing_loses_nothing():
    table = tracks("rock", "folk")
    lost = loss(table, stays(table, True, True))
    assert lost.before == lost.after
    assert set(lost.tracks_lost.values()) == {0.0}


@given(st.integers(1, 64))
def test_the_entropy_of_n_equally_common_tags_is_the_logarithm_of_n(n):
    assert 2 ** entropy({str(i): 3 for i in range(n)}) == pytest.approx(n)


def test_the_entropy_of_one_tag_and_of_none_is_zero():
    assert entropy({"rock": 5, "folk": 0}) == 0
    assert entropy({}) == 0
