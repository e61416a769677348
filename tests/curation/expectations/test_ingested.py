import numpy as np
import pandas as pd
import pytest
from tests.curation.fakes import write_corpus

from padstal.core.data.manifest import split_group, split_of
from padstal.curation.expectations.config import IngestLimits
from padstal.curation.expectations.expectation import SEVERITIES
from padstal.curation.expectations.ingested import clips_table, splits_of, suite, tracks_table

LIMITS = {
    "min_clips": 10,
    "max_quarantine_share": 0.2,
    "max_uncaptioned_share": 0.3,
    "max_clipped_share": 0.1,
    "max_silent_share": 0.05,
    "silence_dbfs": -60.0,
    "loudness_range_lufs": (-30.0, -10.0),
    "max_offset": 0.01,
    "max_offset_share": 0.1,
    "max_side_db": 6.0,
    "max_mirrored_share": 0.1,
}


def test_names_are_unique_and_severities_known():
    expectations = suite(IngestLimits(**LIMITS))
    assert len({expectation.name for expectation in expectations}) == len(expectations)
    assert {expectation.severity for expectation in expectations} == set(SEVERITIES)


def test_a_range_is_written_from_low_to_high():
    with pytest.raises(ValueError, match="expected the lower end first"):
        IngestLimits(**{**LIMITS, "loudness_range_lufs": (-10.0, -30.0)})


def test_derived_columns_count_splits_and_fall_back_to_tags(tmp_path):
    manifest = write_corpus(tmp_path, count=3)
    manifest.loc[0, "split"] = "test"
    manifest.loc[:, "artist"] = ["a"] * 10 + [""] * 5
    manifest.loc[1, "caption"] = ""
    manifest.loc[2, "rms_dbfs"] = np.nan
    table = clips_table(manifest)
    assert table["splits_of_track"].tolist() == [2] * 5 + [1] * 10
    assert table["splits_of_artist"].tolist() == [2] * 10 + [1] * 5
    assert table.loc[1, "description"] == "jazz, piano"
    assert table.loc[2, "rms_dbfs"] == -999
    assert table["seconds_left"].iloc[4] == pytest.approx(0)


def test_tracks_are_accepted_or_have_a_reason(tmp_path):
    manifest = write_corpus(tmp_path, count=3)
    quarantine = pd.DataFrame({"path": ["x.mp3"], "reason": ["silent"]})
    table = tracks_table(manifest, quarantine)
    assert table["state"].tolist() == ["accepted"] * 3 + ["silent"]
    assert table["id"].tolist()[-1] == "x.mp3"


def test_an_empty_name_lies_in_no_two_splits_and_an_album_counts_with_its_artist():
    table = pd.DataFrame(
        {
            "artist": ["a", "b", "a", "", ""],
            "album": ["Live", "Live", "Live", "", ""],
            "split": ["train", "test", "test", "train", "test"],
        }
    )
    assert splits_of(table, "album").tolist() == [2, 2, 2, 1, 1]
    assert splits_of(table, "artist", "album").tolist() == [2, 1, 2, 1, 1]
    assert splits_of(table, "artist").tolist() == [2, 1, 2, 1, 1]


def test_letter_case_does_not_hide_what_is_shared():
    table = pd.DataFrame({"artist": ["Ann", "b", "ANN"], "split": ["train", "validation", "test"]})
    assert splits_of(table, "artist").tolist() == [2, 1, 2]


def test_an_album_of_unknown_artists_may_not_be_shared():
    table = pd.DataFrame({"artist": ["", "b", ""], "album": ["hits", "y", "hits"], "split": ["train", "test", "test"]})
    assert splits_of(table, "artist", "album").tolist() == [2, 1, 2]


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
    for columns in (("track_id",), ("artist",), ("artist", "album")):
        assert (splits_of(made, *columns) == 1).all()
