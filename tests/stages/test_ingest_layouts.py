"""A published dataset goes through ingest as it is published: its licences decide, and no file or row is lost."""

import numpy as np
import pytest
from tests.ingest.layouts.published import (
    AUDIOSET_COMMENTS,
    AUDIOSET_LABELS,
    FMA_GENRES,
    JAMENDO_LICENCES,
    JAMENDO_NAMES,
    JAMENDO_TAGS,
    SONG_DESCRIBER_HEADER,
    fma_row,
    fma_tracks,
    lay_out,
    mtt_annotations,
    mtt_info,
)
from tests.stages.test_ingest import FORM, RATE, _audio, _run

from padstal.core.params import ParamsError, check
from padstal.demo.audio_files import encode
from padstal.ingest.config import IngestParams

POLICY = {
    "allow": ["CC-BY", "CC-BY-NC-SA", "CC0-1.0"],
    "deny": [],
    "non_commercial": "allow",
    "unknown": "refuse",
}


def mp3(seed: int) -> bytes:
    return encode(_audio(seed, 2.2), RATE, "mp3")


def fma():
    rows = [
        fma_row(2, track_tags="['lo-fi']"),
        fma_row(3, artist_name="Other", track_license="FMA-Limited: Download Only"),
        fma_row(5, track_genres_all="["),
        fma_row(7),
    ]
    tables = {"fma_metadata/tracks.csv": fma_tracks(rows), "fma_metadata/genres.csv": FMA_GENRES}
    return {**tables, **{f"fma_small/000/00000{n}.mp3": mp3(n) for n in (2, 3, 5, 8)}}


def mtg_jamendo():
    tables = {"data/raw_30s.tsv": JAMENDO_TAGS, "data/raw.meta.tsv": JAMENDO_NAMES}
    audio = {"14/214.mp3": mp3(1), "82/382.low.mp3": mp3(2)}
    return {**tables, "audio_licenses.txt": JAMENDO_LICENCES, **audio}


def magnatagatune():
    tables = {
        "annotations_final.csv": mtt_annotations([("2", ("singer",), "f/a-0-29.mp3")]),
        "clip_info_final.csv": mtt_info([("2", "Sonata", "Soloists", "Cantatas", "http://m/", "f/a-0-29.mp3")]),
    }
    return {**tables, "f/a-0-29.mp3": mp3(1)}


def audioset():
    rows = '--PJHxphWEs, 30.000, 40.000, "/m/04rlf"\nYbcdefghijK, 0.000, 10.000, "/m/04rlf"\n'
    tables = {"eval_segments.csv": (AUDIOSET_COMMENTS + rows).encode(), "class_labels_indices.csv": AUDIOSET_LABELS}
    return {**tables, "Y--PJHxphWEs.wav": encode(_audio(1, 2.2), RATE, "wav")}


def song_describer():
    rows = SONG_DESCRIBER_HEADER + "9,1004034,a calm tune,True,1,368880,118196,34/1004034.mp3,202.5\n"
    licences = b"34/1004034.mp3\nhttp://creativecommons.org/licenses/by/3.0/\n--\n"
    tables = {"song_describer.csv": rows.encode(), "audio_licenses.txt": licences}
    return {**tables, "audio/34/1004034.2min.mp3": mp3(1)}


def ingest(tmp_path, dataset, **changes):
    lay_out(tmp_path / "music", dataset())
    source = {"kind": "folder", "path": "music", "layout": dataset.__name__, **changes}
    return _run(tmp_path, source, licences=POLICY)


@pytest.mark.parametrize(
    ("dataset", "licence", "expected"),
    [
        (fma, None, {"fma_small/000/000002.mp3": ("CC-BY-NC-SA-3.0", "Hip-Hop, lo-fi", "")}),
        (mtg_jamendo, None, {"14/214.mp3": ("CC-BY-NC-SA-2.0", "punkrock", "")}),
        (magnatagatune, "CC0", {"f/a-0-29.mp3": ("CC-BY-NC-SA-1.0", "singer", "")}),
        (audioset, "CC BY 3.0", {"Y--PJHxphWEs.wav": ("CC-BY-3.0", "Music", "")}),
        (song_describer, None, {"audio/34/1004034.2min.mp3": ("CC-BY-3.0", "", "a calm tune")}),
    ],
)
def test_rows_reach_the_manifest(tmp_path, dataset, licence, expected):
    manifest, _, metrics = ingest(tmp_path, dataset, licence=licence)
    found = manifest.drop_duplicates("path").set_index("path")
    assert {path: (row["licence"], row["tags"], row["caption"]) for path, row in found.iterrows()} == expected
    assert metrics["files"] == metrics["files_kept"] + metrics["files_quarantined"] + metrics["files_duplicate"]
    assert np.isclose(metrics["captioned_share"], dataset is song_describer)


def test_every_other_file_and_row_is_in_quarantine_with_its_reason(tmp_path):
    _, quarantine, metrics = ingest(tmp_path, fma)
    found = [(row["path"], row["reason"]) for _, row in quarantine.iterrows()]
    assert sorted(found) == [
        ("000005", "row_malformed"),
        ("fma_small/000/000003.mp3", "licence"),
        ("fma_small/000/000005.mp3", "licence"),
        ("fma_small/000/000007.mp3", "row_missing"),
        ("fma_small/000/000008.mp3", "licence"),
    ]
    details = dict(zip(quarantine["path"], quarantine["detail"], strict=True))
    assert details["fma_small/000/000003.mp3"] == "FMA-Limited: not among the licences allowed"
    assert "no row of fma_metadata/tracks.csv names it" in details["fma_small/000/000008.mp3"]
    assert metrics["rows_without_file"] == 2


def test_neither_a_bad_row_nor_a_missing_one_falls_back_to_the_sources_licence(tmp_path):
    manifest, quarantine, _ = ingest(tmp_path, fma, licence="CC0")
    assert set(manifest["path"]) == {"fma_small/000/000002.mp3"}
    refused = set(quarantine.loc[quarantine["reason"] == "licence", "path"])
    assert refused == {f"fma_small/000/00000{n}.mp3" for n in (3, 5, 8)}


def test_a_layout_has_its_own_tables():
    source = {"kind": "folder", "path": "music", "layout": "fma", "captions": "captions.csv"}
    with pytest.raises(ParamsError, match="layout fma has its own tables"):
        check(IngestParams, {**FORM, "sources": [source]}, "ingest")
    with pytest.raises(ParamsError, match="'captions', 'fma', 'mtg_jamendo'"):
        check(IngestParams, {**FORM, "sources": [{**source, "captions": None, "layout": "gtzan"}]}, "ingest")


def test_params_and_readers_name_the_same_layouts():
    from typing import get_args

    from padstal.ingest.config import Layout
    from padstal.ingest.layouts.read import LAYOUTS

    assert get_args(Layout) == LAYOUTS
