"""Great Expectations takes some seconds to import, so these are slow tests."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.curation.expectations import test_curated
from tests.curation.expectations.test_ingested import LIMITS
from tests.curation.fakes import stage, write_corpus, write_ingest
from tests.forked import forked

from padstal.commands import profile
from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.manifest import write_table
from padstal.curation.expectations import checkpoint
from padstal.curation.expectations.config import GateParams, ValidateParams
from padstal.curation.expectations.ingested import suite
from padstal.stages import gate, validate
from padstal.stages.harness import StageError, run_stage

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
DRIFT = {"severity": "warning", "categorical": 0.1, "numeric": 0.3, "embedding": 0.2, "false_alarm": 0.01}
PARAMS = ValidateParams(ingest=LIMITS, curate=test_curated.LIMITS, drift=DRIFT)


def run(root, manifest, quarantined=None):
    """Validate `manifest`; the verdict by expectation, and the stage."""
    write_ingest(root, manifest, quarantined)
    return check(root, "ingest")


def run_curated(root, curated):
    """Validate a curated data set; the verdict by expectation, and the stage."""
    write_curated(root, curated)
    return check(root, "curate")


def write_curated(root, curated):
    """Curate's outputs under `root`."""
    folder = stage("validate", root, PARAMS, "curate").paths.curate
    folder.mkdir(parents=True, exist_ok=True)
    write_table(curated.dataset, folder / "dataset.parquet")
    write_table(curated.removed, folder / "removed.parquet")
    write_json(folder / "origin.json", curated.origin)
    tracks = np.random.default_rng(0).standard_normal((40, 6))
    np.save(folder / "gaussian.npy", np.vstack([tracks.mean(axis=0), np.cov(tracks.T)]))
    profile.create_missing(stage("validate", root, PARAMS).paths)


def check(root, item):
    validated = stage("validate", root, PARAMS, item)
    profile.create_missing(validated.paths)
    validate.main(validated)
    entries = read_json(validated.paths.validate(item) / "verdict.json")["expectations"]
    return {entry["name"]: entry for entry in entries}, validated


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def broken(entries):
    return {name for name, entry in entries.items() if not entry["success"]}


@pytest.fixture
def without_pages(monkeypatch):
    """No data docs, which take most of a check's time: for verdicts of a kind whose pages another test has drawn."""
    drawing = checkpoint.run
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "run", lambda suite, tables, data_docs: drawing(suite, tables))
        yield patch


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def test_good_data_passes_with_data_docs_and_metrics(tmp_path, good):
    entries, validated = run(tmp_path, good, {"a.mp3": "duplicate"})
    assert broken(entries) == set()
    assert list(entries) == [expectation.name for expectation in suite(PARAMS.ingest)]
    assert entries["no split is empty"]["observed"] == "all are there"
    assert (validated.paths.validate("ingest") / "data_docs" / "index.html").exists()
    metrics = read_json(validated.paths.metrics("validate", "ingest"))
    assert metrics["clips_of_licence"] == {"CC-BY-4.0": 60}
    assert metrics["quarantined_because"] == {"duplicate": 1}
    gate.main(stage("gate", tmp_path, GateParams(stop_at="warning"), "ingest"))


def test_two_builds_give_the_same_bytes_at_another_time_in_another_zone_with_another_hash_seed(tmp_path):
    write_curated(tmp_path, test_curated.good(tmp_path))
    (tmp_path / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    folder = stage("validate", tmp_path, PARAMS).paths.validate("curate")

    def here() -> None:
        time.tzset()
        sys.argv = ["validate", "curate"]
        run_stage("validate", ValidateParams, validate.main, items=validate.ITEMS)

    ended = forked(here, tmp_path, {**os.environ, "TZ": "Asia/Tokyo"})
    assert ended.code == 0, ended.lines
    builds = [contents(folder)]
    shutil.rmtree(folder)
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # ours is another
    env = {**os.environ, "TZ": "UTC", "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, "-m", "padstal.stages.validate", "curate"]
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    builds.append(contents(folder))
    assert {"verdict.json", "profile.json", "drift.json", "data_docs/index.html"} <= set(builds[0])
    assert builds[1] == builds[0]
    pages = "".join(text.decode() for name, text in builds[0].items() if name.endswith(".html"))
    assert str(tmp_path) not in pages
    assert "http" not in pages.replace("http-equiv", "")


BREAKS = {
    "every clip has a licence": ("licence", ""),
    "every file has its sha256": ("sha256", "abc"),
    "splits have known names": ("split", "training"),
    "clips start inside their track": ("offset_seconds", -1.0),
    "clips end inside their track": ("track_seconds", -5.0),
    "no sample exceeds full scale": ("peak_dbfs", 0.5),
    "few clips are silent": ("rms_dbfs", -90.0),
    "few clips are clipped": ("clipped_share", 0.2),
    "every clip has a bandwidth": ("bandwidth_hz", 0.0),
    "few clips have an offset": ("dc_offset", 0.02),
    "few clips have mirrored channels": ("side_db", 40.0),
}


def test_bad_values_break_their_expectation_and_name_three_clips(tmp_path, good):
    manifest = good.copy()
    for column, bad in BREAKS.values():
        manifest.loc[10:24, column] = bad
    entries, _ = run(tmp_path, manifest)
    # "training" is another split, no licence is no allowed one
    assert broken(entries) == {*BREAKS, "an artist lies in one split", "every licence is allowed by the policy"}
    for name in BREAKS:
        assert entries[name]["unexpected"] == 15
        assert entries[name]["offenders"] == manifest["clip_id"][10:13].tolist()


def test_what_concerns_whole_tables_breaks_too(tmp_path, good):
    manifest = good.head(9).copy()
    manifest.loc[1, "clip_id"] = manifest.loc[0, "clip_id"]
    manifest.loc[2, "split"] = "test"
    manifest.loc[:, ["caption", "tags"]] = ""
    manifest.loc[:, "loudness_lufs"] = float("nan")
    entries, _ = run(tmp_path, manifest, {f"{i}.mp3": "silent" for i in range(5)})
    assert broken(entries) == {
        "there are enough clips",
        "clip ids are unique",
        "no split is empty",
        "a track lies in one split",
        "an artist lies in one split",
        "most clips have a caption or tags",
        "loudness lies in its range",
        "few tracks are in quarantine",
    }
    assert entries["few tracks are in quarantine"]["offenders"] == ["0.mp3", "1.mp3", "2.mp3"]
    assert entries["no split is empty"]["observed"] == "without validation"
    assert "split_seed" in entries["no split is empty"]["advice"]
    with pytest.raises(StageError, match=r"^7 of 21 expectations"):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="critical"), "ingest"))


@pytest.mark.usefixtures("without_pages")
def test_one_clip_outside_the_policy_stops_the_run(tmp_path, good):
    manifest = good.copy()
    manifest.loc[7, "licence"] = "CC-BY-NC-4.0"
    entries, _ = run(tmp_path, manifest)
    assert broken(entries) == {"every licence is allowed by the policy"}
    assert entries["every licence is allowed by the policy"]["offenders"] == [manifest.loc[7, "clip_id"]]
    with pytest.raises(StageError, match="every licence is allowed"):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="critical"), "ingest"))


@pytest.mark.usefixtures("without_pages")
def test_a_share_below_its_limit_passes(tmp_path, good):
    manifest = good.copy()
    manifest.loc[:2, "rms_dbfs"] = -90.0  # 3 of 60 clips, the limit is 5 %
    entries, _ = run(tmp_path, manifest)
    assert entries["few clips are silent"]["success"]
    assert entries["few clips are silent"]["unexpected"] == 3


@pytest.mark.usefixtures("without_pages")
def test_a_good_data_set_passes(tmp_path):
    entries, validated = run_curated(tmp_path, test_curated.good(tmp_path))
    assert broken(entries) == set()
    gate.main(stage("gate", tmp_path, GateParams(stop_at="warning"), "curate"))
    metrics = read_json(validated.paths.metrics("validate", "curate"))
    assert (metrics["clips"], metrics["removed"], metrics["features_compared"]) == (57, 3, 0)


def test_each_fault_of_a_data_set_breaks_its_expectation_and_names_three_clips(tmp_path):
    curated = test_curated.good(tmp_path)
    dataset = curated.dataset
    ids = dataset["clip_id"]
    dataset.loc[0:3, "caption"] = "rests\non two lines"
    dataset.loc[4:7, ["original", "decision", "caption"]] = ["jazz", "captioned", "techno"]
    dataset.loc[8:11, ["decision", "caption"]] = ["replaced", "a" * 41]
    dataset.loc[12:15, "decision"] = "guessed"
    dataset.loc[16:19, "quality_level"] = 7
    dataset.loc[20:23, "prefix"] = "superb quality"
    dataset.loc[24:27, ["decision", "caption"]] = ["unconditional", ""]
    dataset.loc[28:30, ["duplicate_group", "album", "artist"]] = ["g", "Live", "somebody"]
    dataset.loc[29, "split"] = "test"
    dataset.loc[dataset.index[-4:], ["pmos", "quality_level", "prefix"]] = [5.5, 5, "high quality"]  # test split
    dataset.loc[dataset.index[-8:-4], ["pmos", "quality_level", "prefix"]] = [np.nan, 0, ""]
    lost = test_curated.Curated(dataset, curated.removed.assign(reason=""), {**curated.origin, "clips": 61})
    entries, _ = run_curated(tmp_path, lost)
    named = {
        "captions hold no control characters": ids[0:3],
        "captions agree with their decision": ids[4:7],
        "refined captions are short enough": ids[8:11],
        "decisions are those of the table": ids[12:15],
        "quality levels are 1 to 5, or 0 for unknown": ids[16:19],
        "quality levels follow from p-MOS, μ and σ": ids[16:19],
        "quality prefixes follow from p-MOS, μ and σ": ids[20:23],
        "few clips train without a caption": ids[24:27],
        "a group of duplicates lies in one split": ids[28:31],
        "an album of an artist lies in one split": ids[28:31],
        "an artist lies in one split": ids[28:31],
        "p-MOS lies on its scale": ids[len(ids) - 4 :][:3],
        "few clips are without p-MOS": ids[len(ids) - 8 :][:3],
    }
    for name, offenders in named.items():
        assert not entries[name]["success"], name
        assert entries[name]["offenders"] == offenders.tolist(), name
    whole = {
        "μ of p-MOS is that of the train split alone",
        "σ of p-MOS is that of the train split alone",
        "n of p-MOS is that of the train split alone",
        "a track lies in one split",
        "a clip that leaves has a reason",
        "no clip is lost",
    }
    assert broken(entries) == {*named, *whole}
    assert entries["no clip is lost"]["observed"] == "1"


def test_shares_and_counts_of_a_data_set_have_their_limits(tmp_path):
    curated = test_curated.good(tmp_path, leave=25)
    curated.dataset.loc[:, "decision"] = "fused"
    curated.dataset.loc[9:, "split"] = "train"
    twice = test_curated.Curated(
        curated.dataset.head(9), test_curated.pd.concat([curated.removed, curated.removed.head(1)]), curated.origin
    )
    entries, _ = run_curated(tmp_path, twice)
    assert broken(entries) >= {
        "there are enough clips",
        "a clip stays or leaves, once",
        "curation takes out few clips",
        "the share of fused captions is as expected",
        "the train split has its share of clips",
        "the test split has its share of clips",
        "common tags keep their tracks",
    }
    assert entries["the share of fused captions is as expected"]["observed"] == "1"
    assert entries["common tags keep their tracks"]["offenders"] == ["jazz", "piano"]


def test_drift_is_measured_from_the_profile_that_a_person_accepts(tmp_path, capsys, without_pages):
    curated = test_curated.good(tmp_path)
    run(tmp_path, test_curated.write_corpus(tmp_path))
    run_curated(tmp_path, curated)
    assert "there is no reference, so drift is not checked" in capsys.readouterr().out
    (tmp_path / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    with pytest.raises(FileNotFoundError, match="only data that passed become a reference: dvc repro gate@ingest"):
        profile.run(tmp_path, None)
    for item in ("ingest", "curate"):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="critical"), item))
    assert profile.run(tmp_path, None) == 0
    entries, validated = run_curated(tmp_path, curated)
    assert broken(entries) == set()
    assert read_json(validated.paths.metrics("validate", "curate"))["features_compared"] > 10

    without_pages.undo()
    curated.dataset["licence"] = "CC-BY-NC-4.0"
    entries, validated = run_curated(tmp_path, curated)
    assert broken(entries) == {"licence is distributed as in the reference"}
    entry = entries["licence is distributed as in the reference"]
    assert (entry["severity"], entry["observed"]) == ("warning", "1")
    assert read_json(validated.paths.metrics("validate", "curate"))["features_drifted"] == 1
    gate.main(stage("gate", tmp_path, GateParams(stop_at="critical"), "curate"))
    with pytest.raises(
        StageError, match=r"warning: licence is distributed .* column licence of drift: 1, expected max_v"
    ):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="warning"), "curate"))


def test_markup_in_captions_paths_and_ids_stays_text_on_the_pages(tmp_path, good):
    hostile = "<script>alert(1)</script> & \"'<img src=x onerror=y>"
    manifest = good.copy()
    manifest.loc[0:2, ["clip_id", "path", "split", "licence"]] = [
        [f"{i}{hostile}", hostile, hostile, ""] for i in range(3)
    ]
    entries, validated = run(tmp_path, manifest, {f"{hostile}.mp3": "silent"})
    pages = [page.read_text() for page in (validated.paths.validate("ingest") / "data_docs").rglob("*.html")]
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)
    assert any("&lt;script&gt;alert" in page for page in pages)
    assert entries["every clip has a licence"]["offenders"] == [f"{i}{hostile}" for i in range(3)]
    assert entries["few tracks are in quarantine"]["offenders"] == [f"{hostile}.mp3"]
