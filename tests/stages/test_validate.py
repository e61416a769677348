"""Great Expectations takes some seconds to import, so these are slow tests."""

import pytest
from tests.quality.fakes import stage, write_corpus, write_ingest
from tests.quality.test_expectations import LIMITS

from padstal.params.gate import GateParams
from padstal.params.validate import ValidateParams
from padstal.quality.expectations import suite
from padstal.quality.licences import licence_expectations
from padstal.stages import gate, validate
from padstal.stages.harness import StageError
from padstal.storage.atomic import read_json

pytestmark = pytest.mark.slow


def run(root, manifest, quarantined=None):
    """Validate `manifest`; the verdict by expectation, and the stage."""
    write_ingest(root, manifest, quarantined)
    validated = stage("validate", root, ValidateParams(**LIMITS))
    validate.main(validated)
    entries = read_json(validated.paths.validate / "verdict.json")["expectations"]
    return {entry["name"]: entry for entry in entries}, validated


def broken(entries):
    return {name for name, entry in entries.items() if not entry["success"]}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def test_good_data_passes_with_data_docs_and_metrics(tmp_path, good):
    entries, validated = run(tmp_path, good, {"a.mp3": "duplicate"})
    assert broken(entries) == set()
    assert list(entries) == [expectation.name for expectation in (*suite(**LIMITS), *licence_expectations())]
    assert (validated.paths.data_docs / "index.html").exists()
    metrics = read_json(validated.paths.metrics("validate"))
    assert metrics["clips_of_licence"] == {"CC-BY-4.0": 60}
    assert metrics["quarantined_because"] == {"duplicate": 1}
    gate.main(stage("gate", tmp_path, GateParams(stop_at="warning")))


def test_the_verdict_has_no_dates_and_the_same_bytes_each_time(tmp_path, good):
    _, validated = run(tmp_path, good)
    first = (validated.paths.validate / "verdict.json").read_bytes()
    run(tmp_path, good)
    assert (validated.paths.validate / "verdict.json").read_bytes() == first


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
    with pytest.raises(StageError, match=r"^7 of 19 expectations"):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="critical")))


def test_one_clip_outside_the_policy_stops_the_run(tmp_path, good):
    manifest = good.copy()
    manifest.loc[7, "licence"] = "CC-BY-NC-4.0"
    entries, _ = run(tmp_path, manifest)
    assert broken(entries) == {"every licence is allowed by the policy"}
    assert entries["every licence is allowed by the policy"]["offenders"] == [manifest.loc[7, "clip_id"]]
    with pytest.raises(StageError, match="every licence is allowed"):
        gate.main(stage("gate", tmp_path, GateParams(stop_at="critical")))


def test_a_share_below_its_limit_passes(tmp_path, good):
    manifest = good.copy()
    manifest.loc[:2, "rms_dbfs"] = -90.0  # 3 of 60 clips, the limit is 5 %
    entries, _ = run(tmp_path, manifest)
    assert entries["few clips are silent"]["success"]
    assert entries["few clips are silent"]["unexpected"] == 3
