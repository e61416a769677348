import numpy as np
import pandas as pd
import pytest

from padstal.core.data.manifest import split_group, split_of
from padstal.curation.splits import SharedBetweenSplitsError, check_disjoint

NAMES = ("track_id", "artist", "album", "duplicate_group")


def table(**columns):
    base = {
        "track_id": ["t1", "t2", "t3"],
        "artist": ["a", "b", "c"],
        "album": ["x", "y", "z"],
        "duplicate_group": ["", "", ""],
        "split": ["train", "validation", "test"],
    }
    return pd.DataFrame({**base, **columns})


def test_disjoint_splits_pass():
    check_disjoint(table(), names=NAMES)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("track_id", ["t", "t2", "t"], r"track_id: 1 lie in more than one split.*t in test and train"),
        ("artist", ["a", "a", "c"], r"artist: 1 lie in more than one split.*a in train and validation"),
        ("duplicate_group", ["", "g", "g"], r"duplicate_group: 1 lie .*g in test and validation"),
    ],
)
def test_what_is_shared_is_named(column, values, message):
    with pytest.raises(SharedBetweenSplitsError, match=message):
        check_disjoint(table(**{column: values}), names=NAMES)


def test_an_album_of_unknown_artists_may_not_be_shared_but_a_common_title_may():
    check_disjoint(table(album=["hits", "hits", "hits"]), names=NAMES)
    with pytest.raises(SharedBetweenSplitsError, match="unknown artist / hits in test and train"):
        check_disjoint(table(album=["hits", "y", "hits"], artist=["", "b", ""]), names=NAMES)


def test_unknown_artists_are_not_one_artist():
    check_disjoint(table(artist=["", "", ""]), names=NAMES)


def test_letter_case_does_not_hide_what_is_shared():
    with pytest.raises(SharedBetweenSplitsError, match="artist: 1 lie in more than one split"):
        check_disjoint(table(artist=["Ann", "b", "ANN"]), names=NAMES)


@pytest.mark.parametrize("seed", range(20))
def test_splits_that_follow_the_group_share_no_artist_and_no_album_of_unknown_artists(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (f"t{i}", str(rng.choice(["", "Ann", "ann", "Bo", "Cy"])), str(rng.choice(["", "X", "x", "y"])))
        for i in range(60)
    ]
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    made = pd.DataFrame(rows, columns=["track_id", "artist", "album"])
    made["split"] = [split_of(split_group(artist, album, track), shares, seed) for track, artist, album in rows]
    check_disjoint(made, names=("track_id", "artist", "album"))
