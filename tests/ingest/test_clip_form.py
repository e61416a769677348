"""What a track's clips depend on is their form alone: an edit of anything else takes no file in again."""

import pytest
from tests.ingest.ingesting import PARAMS

from padstal.ingest.clip_form import ClipForm, Screening
from padstal.ingest.track import store_key

OTHER = {
    "sample_rate": 16_000,
    "channels": 2,
    "clip_seconds": 0.55,
    "hop_seconds": 0.3,
    "min_track_seconds": 0.7,
    "max_track_seconds": 20.0,
    "loudness_lufs": None,
    "silence_dbfs": -50.0,
    "screening": Screening(max_offset=0.01),
}


def test_every_value_of_the_form_names_another_store():
    assert set(OTHER) == set(ClipForm.model_fields)
    keys = {store_key(PARAMS.model_copy(update={name: value}).form) for name, value in OTHER.items()}
    assert len(keys | {store_key(PARAMS.form)}) == 1 + len(OTHER)


def test_licences_splits_shards_and_time_name_the_same_store():
    changes = {
        "licences": PARAMS.licences.model_copy(update={"unknown": "allow"}),
        "splits": PARAMS.splits.model_copy(update={"train": 0.7, "test": 0.1}),
        "split_seed": 9,
        "shard_tracks": 8,
        "max_file_seconds": 5.0,
    }
    assert {*changes, *ClipForm.model_fields} == set(type(PARAMS).model_fields)
    assert store_key(PARAMS.model_copy(update=changes).form) == store_key(PARAMS.form)


def test_lengths_are_whole_samples():
    assert (PARAMS.clip_samples, PARAMS.hop_samples) == (4_096, 4_096)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"min_track_seconds": 0.511}, "at least clip_seconds"), ({"max_track_seconds": 0.59}, "at least min_track")],
)
def test_a_track_holds_a_clip(change, message):
    with pytest.raises(ValueError, match=message):
        ClipForm(**{**PARAMS.form.model_dump(), **change})
