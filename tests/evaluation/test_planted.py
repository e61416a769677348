"""What each data stage claims, on small tables whose answers are plain."""

from typing import Any

import pandas as pd
import pytest

from padstal.evaluation import planted
from padstal.ingest.screen import CLIPPED


@pytest.fixture
def truth() -> pd.DataFrame:
    rows = [
        ("a", "", 0.0, 5.0, "", "", False, "jazz", "x"),
        ("b", "noise", 0.9, 1.4, "", "", False, "jazz", "x"),
        ("c", "band limit", 0.5, 3.2, "", "", False, "folk", "y"),
        ("d", "", 0.0, 5.0, "", "", True, "folk", "y"),
        ("e", "", 0.0, 5.0, "a", "near", False, "jazz", "z"),
        ("f", "", 0.0, 5.0, "", "", False, "folk", "w"),
    ]
    columns = ("path", "degradation", "severity", "mos", "duplicate_of", "duplicate_kind")
    table = pd.DataFrame(rows, columns=[*columns, "licence_foreign", "genre", "artist"])
    return table.assign(sha256=[f"sha-{path}" for path in table["path"]])


@pytest.fixture
def manifest(truth: pd.DataFrame) -> pd.DataFrame:
    kept = truth[~truth["licence_foreign"]]
    clips = pd.concat([kept.assign(offset_seconds=0.0), kept.assign(offset_seconds=1.0)], ignore_index=True)
    bandwidth = clips["path"].map({"a": 7000.0, "b": 7100.0, "c": 900.0, "e": 7200.0, "f": 7300.0})
    return pd.DataFrame(
        {
            "clip_id": clips["path"] + clips["offset_seconds"].astype(str),
            "track_id": clips["path"],
            "sha256": clips["sha256"],
            "offset_seconds": clips["offset_seconds"],
            "split": clips["path"].map({"a": "train", "b": "train", "c": "train", "e": "test", "f": "train"}),
            "repairs": "",
            "bandwidth_hz": bandwidth,
            "clipped_share": 0.0,
        }
    )


def refused(*rows: tuple[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["path", "reason"])
    return table.assign(sha256=[f"sha-{path}" for path in table["path"]])


def test_a_refused_licence_is_a_hit_where_it_was_planted_and_files_of_other_sources_do_not_count(
    truth: pd.DataFrame,
) -> None:
    quarantine = refused(("d", "licence"), ("a", "licence"), ("elsewhere", "licence"), ("b", "clipped"))
    found = planted.foreign_licences(truth, quarantine).as_json()
    assert (found["planted"], found["flagged"], found["precision"], found["recall"]) == (1, 2, 0.5, 1.0)


def test_files_with_nothing_wrong_are_to_be_kept(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    assert planted.sound_files_kept(truth, manifest)["value"] == 1
    fewer: Any = planted.sound_files_kept(truth, manifest[manifest["track_id"] != "f"])
    assert (fewer["value"], fewer["n"]) == (pytest.approx(2 / 3), 3)


def test_screening_counts_by_kind_and_its_measure_tells_the_kind(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    quarantine = refused(("b", "clipped"), ("d", "licence"))
    mended = manifest.assign(repairs=manifest["track_id"].map(lambda track: "offset" if track == "c" else ""))
    found = planted.screening(truth, mended, quarantine)
    assert found["noise"] == {"refused": 1, "repaired": 0, "files": 1}
    assert found["band limit"] == {"refused": 0, "repaired": 1, "files": 1, "roc_area": 1.0}


def test_a_note_of_clipping_is_no_repair(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    assert planted.CLIPPED == CLIPPED
    noted = planted.screening(truth, manifest.assign(repairs=CLIPPED), refused())
    assert {kind["repaired"] for kind in noted.values()} == {0}


def test_scores_are_told_by_kind_against_clean_tracks(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    pmos = {"a": 4.5, "b": 1.5, "c": 4.6, "e": 4.9, "f": 4.8}
    scores = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "pmos": manifest["track_id"].map(pmos),
            "quality_level": manifest["track_id"].map({"a": 1, "b": 1, "c": 3, "e": 3, "f": 3}),
        }
    )
    found: Any = planted.quality(truth, manifest, scores)
    assert found["of_kind"]["noise"]["roc_area"] == 1
    assert found["of_kind"]["band limit"]["roc_area"] == pytest.approx(2 / 3)
    assert found["of_kind"]["noise"]["pmos"] == 1.5
    assert found["pmos_of_clean"] == pytest.approx((4.5 + 4.9 + 4.8) / 3)
    assert found["degraded"]["value"] == pytest.approx(5 / 6)
    lowest = found["lowest_level"]
    assert (lowest["planted"], lowest["flagged"], lowest["precision"], lowest["recall"]) == (2, 4, 0.5, 1.0)


def test_what_is_left_in_the_data_set_is_counted(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    clean = manifest[manifest["track_id"] != "e"]
    assert set(planted.left(truth, clean).values()) == {0}
    found = planted.left(truth, manifest)
    assert (found["near_duplicates"], found["recordings_in_two_splits"]) == (1, 1)
    foreign = manifest.assign(sha256=manifest["sha256"].replace("sha-f", "sha-d"))
    assert planted.left(truth, foreign)["foreign_licences"] == 1
    split = manifest.assign(split=["train", "test", *manifest["split"][2:]])
    assert planted.left(truth, split)["artists_in_two_splits"] == 1
    assert planted.left(truth, pd.concat([clean, clean]))["exact_duplicates"] == len(clean)


def test_the_cut_is_told_by_what_was_degraded_and_by_genre(truth: pd.DataFrame, manifest: pd.DataFrame) -> None:
    gone = manifest["track_id"] == "b"
    removed = manifest.loc[gone, ["clip_id", "track_id"]].assign(reason="unlikely")
    found = planted.unlikely(truth, manifest, manifest[~gone], removed)
    assert (found["degraded"]["value"], found["degraded"]["chance"]) == (1.0, 0.5)
    assert found["of_genre"] == {"folk": {"tracks": 2, "lost": 0}, "jazz": {"tracks": 2, "lost": 1}}
    assert found["genre_entropy_before"] == 1
    assert planted.unlikely(truth, manifest, manifest, removed.iloc[:0]) is None


def test_captions_are_told_by_what_was_wrong_with_them() -> None:
    table = pd.DataFrame(
        {
            "track_id": ["a", "b", "c"],
            "original": ["jazz", "folk", ""],
            "caption": ["jazz", "jazz", "folk"],
            "decision": ["kept", "replaced", "captioned"],
            "similarity_original_audio": [0.5, 0.1, float("nan")],
            "similarity_caption_audio": [0.5, 0.6, 0.4],
            "caption_fault": ["", "wrong", "missing"],
            "genre": ["jazz", "jazz", "folk"],
        }
    )
    found = planted.captions_by_fault(table, ("folk", "jazz"))
    assert set(found) == {"right", "wrong", "missing"}
    assert found["wrong"]["clap_score"]["difference"]["value"] == pytest.approx(0.5)
    assert (found["wrong"]["genre_before"], found["wrong"]["genre_after"]) == (0, 1)
    assert found["missing"]["clap_score"]["difference"] is None
    assert found["missing"]["decisions"] == {"captioned": 1}
