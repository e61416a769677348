import pandas as pd

from padstal.curation.curation import Removals


def clips():
    return pd.DataFrame({"clip_id": list("abcd"), "track_id": ["t", "t", "u", "v"]})


def test_a_clip_leaves_for_the_first_reason_only_and_all_are_accounted_for():
    table = clips()
    removals = Removals(table)
    removals.add(table["track_id"] == "t", "near_duplicate", "of v")
    removals.add(table["clip_id"].isin(["b", "c"]), "quality", "level 1")
    dataset, removed = removals.split()
    assert dataset["clip_id"].tolist() == ["d"]
    assert removed["reason"].tolist() == ["near_duplicate", "near_duplicate", "quality"]
    assert list(removed.columns) == ["clip_id", "track_id", "reason", "detail"]
