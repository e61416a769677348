"""Ingest loses no file: each is in the manifest or in quarantine, with its reason, whatever is in the folder."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import COLUMNS, ClipAudio, read_table
from padstal.core.params import ParamsError, check
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.demo.audio_files import encode
from padstal.ingest.config import IngestParams
from padstal.ingest.listing import scan
from padstal.ingest.rejection import NO_FILE_REASONS
from padstal.stages.harness import Stage, StageError
from padstal.stages.ingest import main

RATE = 22_050
FORM = {
    "sample_rate": 16_000,
    "channels": 1,
    "clip_seconds": 1.024,
    "hop_seconds": 1.024,
    "min_track_seconds": 1.5,
    "max_track_seconds": 30.0,
    "loudness_lufs": -20.0,
    "silence_dbfs": -60.0,
    "licences": {"allow": ["CC-BY-4.0", "CC0-1.0"], "deny": [], "non_commercial": "refuse", "unknown": "refuse"},
    "shard_tracks": 4,
    "max_file_seconds": None,
    "screening": {"max_offset": None, "max_side_db": None, "max_clipped_share": None, "min_bandwidth_hz": None},
    "splits": {"train": 0.6, "validation": 0.2, "test": 0.2},
    "split_seed": 1,
}
SYNTH = {"kind": "synth", "tracks": 26, "track_seconds": 2.2, "seed": 5}


def _stage(root: Path, *sources: dict, workers: int = 1, **changes) -> Stage[IngestParams]:
    return Stage(
        name="ingest",
        item="",
        scale="demo",
        params=check(IngestParams, {**FORM, "sources": list(sources), **changes}, "ingest"),
        paths=Paths(root, "demo"),
        runtime=RuntimeParams(device="cpu", workers=workers, threads=1),
        tracking=TrackingParams(mode="disabled", project="test", entity=None),
    )


def _run(root: Path, *sources: dict, workers: int = 1, **changes) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    stage = _stage(root, *sources, workers=workers, **changes)
    main(stage)
    ingest = stage.paths.ingest
    metrics = read_json(stage.paths.metrics("ingest"))
    return read_table(ingest / "manifest.parquet"), read_table(ingest / "quarantine.parquet"), metrics


def _digests(root: Path) -> dict[str, str]:
    """Of all results; the state of this machine is none."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and ".state" not in path.parts]
    return {str(path.relative_to(root)): sha256_file(path) for path in files}


def _audio(seed: int, seconds: float = 3.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * rng.uniform(100, 2000) * t) for _ in range(4))
    return (0.1 * tones + 0.005 * rng.standard_normal(len(t)))[:, None].astype(np.float32)


@pytest.fixture(scope="module")
def synth(tmp_path_factory):
    root = tmp_path_factory.mktemp("synth")
    return root, _run(root, SYNTH)


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_as_one(synth, tmp_path):
    root, _ = synth
    _run(tmp_path, SYNTH, workers=2)
    assert _digests(tmp_path) == _digests(root)


def test_the_manifest_leads_to_the_samples_and_the_counts_add_up(synth):
    root, (manifest, quarantine, metrics) = synth
    assert tuple(manifest.columns) == COLUMNS
    assert manifest["clip_id"].is_unique
    assert metrics["files"] == metrics["files_kept"] + metrics["files_quarantined"] + metrics["files_duplicate"]
    assert metrics["files"] == len(read_table(root / "data/demo/truth.parquet"))
    assert metrics["quarantined"] == quarantine["reason"].value_counts().to_dict()
    assert sum(metrics["clips_by_split"].values()) == metrics["clips"] == len(manifest)
    audio = ClipAudio(root / "data/demo/ingest").float_BCS(manifest)
    assert audio.shape == (len(manifest), 1, 16_384)
    peaks = 20 * np.log10(np.abs(audio).max(axis=(1, 2)))
    assert np.allclose(peaks, manifest["peak_dbfs"], atol=1e-6)
    assert peaks.max() < 0


def test_planted_exact_copies_and_foreign_licences_are_in_quarantine(synth):
    root, (manifest, quarantine, _) = synth
    truth = read_table(root / "data/demo/truth.parquet")
    foreign = set(truth.loc[truth["licence_foreign"], "path"])
    assert set(quarantine.loc[quarantine["reason"] == "licence", "path"]) == foreign
    copies = quarantine[quarantine["reason"] == "duplicate"]
    assert len(copies) == (truth["duplicate_kind"] == "exact").sum() > 0
    assert set(copies["detail"]) <= set(manifest["path"])
    assert not set(quarantine["path"]) & set(manifest["path"])


def test_no_artist_is_in_two_splits(synth):
    _, (manifest, _, _) = synth
    assert manifest.groupby("artist")["split"].nunique().max() == 1
    assert manifest["split"].nunique() > 1


@pytest.fixture
def folder(tmp_path):
    """A folder with good files of four formats and every kind of bad one."""
    music = tmp_path / "music"
    (music / "deep" / "er").mkdir(parents=True)
    for i, container in enumerate(("wav", "flac", "ogg", "mp3")):
        (music / "deep" / f"good{i}.{container}").write_bytes(encode(_audio(i), RATE, container))
    good = (music / "deep" / "good0.wav").read_bytes()
    (music / "deep" / "er" / "copy.wav").write_bytes(good)
    for container in ("wav", "flac", "ogg", "mp3"):
        whole = encode(_audio(9), RATE, container)
        (music / f"cut.{container}").write_bytes(whole[: len(whole) // 2])
    (music / "cut-copy.wav").write_bytes((music / "cut.wav").read_bytes())
    (music / "empty.wav").write_bytes(b"")
    (music / "html.mp3").write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
    (music / "silent.wav").write_bytes(encode(np.zeros((3 * RATE, 1), np.float32), RATE, "wav"))
    (music / "short.wav").write_bytes(encode(_audio(1, 0.5), RATE, "wav"))
    spoiled = _audio(2)
    spoiled[77] = np.nan
    soundfile.write(music / "nan.wav", spoiled, RATE, subtype="FLOAT")
    (music / "foreign.wav").write_bytes(encode(_audio(3), RATE, "wav"))
    os.mkfifo(music / "pipe.wav")
    (tmp_path / "outside.wav").write_bytes(good)
    (music / "link.wav").symlink_to(tmp_path / "outside.wav")
    with open(os.fsencode(music) + b"/\xff.wav", "wb") as file:
        file.write(good)
    (music / "notes.txt").write_text("not music")
    (music / "captions.csv").write_text(
        "path,caption,tags,artist,licence\n"
        'deep/good0.wav,"a tune, slow",folk; calm,Ann,CC BY 4.0\n'
        "deep/good1.flac,another,,ANN,\n"
        "foreign.wav,theirs,,Bob,All rights reserved\n"
    )
    return {"kind": "folder", "path": "music", "captions": "captions.csv", "licence": "cc0"}


def test_each_bad_file_is_in_quarantine_with_its_reason_and_the_good_ones_are_not(folder, tmp_path):
    manifest, quarantine, metrics = _run(tmp_path, folder)
    reasons = dict(zip(quarantine["path"], quarantine["reason"], strict=True))
    assert reasons.pop("cut.flac") in ("truncated", "unreadable")
    assert reasons == {
        "deep/good0.wav": "duplicate",
        "cut.wav": "truncated",
        "cut-copy.wav": "truncated",
        "cut.ogg": "truncated",
        "cut.mp3": "truncated",
        "empty.wav": "empty",
        "html.mp3": "format",
        "silent.wav": "silent",
        "short.wav": "too_short",
        "nan.wav": "nonfinite",
        "foreign.wav": "licence",
        "pipe.wav": "not_regular",
        "link.wav": "not_regular",
        "\\xff.wav": "name",
    }
    assert set(manifest["path"]) == {"deep/er/copy.wav", "deep/good1.flac", "deep/good2.ogg", "deep/good3.mp3"}
    assert (metrics["files"], metrics["files_kept"], metrics["files_ignored"]) == (19, 4, 1)
    assert metrics["rows_without_file"] == 0
    assert (~quarantine["reason"].isin(NO_FILE_REASONS)).sum() == 15
    assert (quarantine["detail"] != "").all()


def test_a_rows_licence_wins_over_the_sources_and_captions_reach_the_manifest(folder, tmp_path):
    (tmp_path / "music" / "deep" / "er" / "copy.wav").unlink()
    manifest, _, metrics = _run(tmp_path, folder)
    by_path = manifest.drop_duplicates("path").set_index("path")
    assert by_path.loc["deep/good0.wav", "licence"] == "CC-BY-4.0"
    assert by_path.loc["deep/good1.flac", "licence"] == "CC0-1.0"
    assert by_path.loc["deep/good0.wav", "caption"] == "a tune, slow"
    assert by_path.loc["deep/good0.wav", "tags"] == "folk, calm"
    assert by_path.loc["deep/good0.wav", "split"] == by_path.loc["deep/good1.flac", "split"], (
        "Ann and ANN are one artist"
    )
    assert by_path.loc["deep/good2.ogg", "caption"] == ""
    assert metrics["licences"] == {"CC-BY-4.0": 1, "CC0-1.0": 3}


def test_a_folder_has_an_empty_truth_of_the_same_columns(folder, tmp_path, synth):
    _run(tmp_path, folder)
    truth = read_table(tmp_path / "data/demo/truth.parquet")
    of_synth = read_table(synth[0] / "data/demo/truth.parquet")
    assert len(truth) == 0
    assert list(truth.columns) == list(of_synth.columns)


def test_a_listing_that_is_behind_is_said_and_the_folder_counts(folder, tmp_path, capsys):
    stage = _stage(tmp_path, folder)
    write_json(stage.paths.sources, scan(stage.params.sources, root=tmp_path))
    main(stage)
    assert "scan" not in capsys.readouterr().out
    (tmp_path / "music" / "new.wav").write_bytes(encode(_audio(11), RATE, "wav"))
    main(stage)
    assert "changed since the last `padstal scan`" in capsys.readouterr().out
    assert "new.wav" in set(read_table(stage.paths.ingest / "manifest.parquet")["path"])


def test_nothing_usable_is_an_error_with_the_reasons(folder, tmp_path):
    with pytest.raises(StageError, match="licence"):
        _run(tmp_path, folder, licences={**FORM["licences"], "allow": ["CC-BY-SA-4.0"]})
    assert not (tmp_path / "data/demo/ingest").exists()


def test_a_missing_folder_or_table_is_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _run(tmp_path, {"kind": "folder", "path": "nowhere"})
    with pytest.raises(FileNotFoundError, match=r"table\.csv"):
        _run(tmp_path, {**folder, "captions": "table.csv"})


def test_sources_of_one_name_are_refused():
    with pytest.raises(ParamsError, match="distinct names"):
        check(IngestParams, {**FORM, "sources": [SYNTH, SYNTH]}, "ingest")


def test_a_policy_that_contradicts_itself_is_named_where_it_stands():
    licences = {**FORM["licences"], "allow": ["CC BY-NC 4.0"]}
    with pytest.raises(
        ParamsError, match=r"^ingest\.licences: allow names 'CC BY-NC 4.0', which forbids commercial use"
    ):
        check(IngestParams, {**FORM, "sources": [SYNTH], "licences": licences}, "ingest")


def test_what_was_put_right_is_counted_and_stands_in_the_manifest(tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    for name, seed in (("whole.wav", 3), ("streamed.wav", 4)):
        soundfile.write(music / name, _audio(seed), RATE)
    content = (music / "streamed.wav").read_bytes()
    length = content.index(b"data") + 4
    unfinished = content[:length] + b"\xff" * 4 + content[length + 4 :]  # its recorder could not go back to the header
    (music / "streamed.wav").write_bytes(unfinished)
    source = {"kind": "folder", "path": str(music), "captions": None, "licence": "CC0-1.0"}
    manifest, _, metrics = _run(tmp_path, source)
    assert metrics["repaired"] == {"streamed length": 1}
    assert dict(zip(manifest["path"], manifest["repairs"], strict=True)) == {
        "streamed.wav": "streamed length",
        "whole.wav": "",
    }
