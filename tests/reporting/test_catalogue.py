"""What is known of every item at every point of a half-finished pipeline, and how items are named."""

import pandas as pd
import pytest
from tests.reporting.half import HOSTILE_PATH, captioned, curated, ingested, scored

from padstal.core.data.manifest import read_table, write_table
from padstal.core.paths import Paths
from padstal.reporting.catalogue import KEPT, OPEN, QUARANTINED, REMOVED, find, read_catalogue
from padstal.reporting.clip_view import clip_facts, file_facts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return read_catalogue(curated(tmp_path_factory.mktemp("curated")))


def facts(catalogue, item):
    rows = find(catalogue, item)
    groups = (*file_facts(catalogue, rows), *(clip_facts(catalogue, rows.iloc[0]) if len(rows) == 1 else ()))
    return {group.name: (dict(group.pairs), group.missing) for group in groups}


@pytest.mark.parametrize(
    ("make", "done", "following"),
    [
        (ingested, {"ingest"}, "validate"),
        (scored, {"ingest", "score"}, "validate"),
        (captioned, {"ingest", "score", "caption"}, "validate"),
        (curated, {"ingest", "score", "caption", "curate"}, "validate"),
    ],
)
def test_at_every_stage_it_says_what_is_known_and_what_would_tell_more(tmp_path, make, done, following):
    catalogue = read_catalogue(make(tmp_path))
    assert {one.stage for one in catalogue.standing if one.state == "done"} == done
    assert catalogue.next_stage == following
    told = facts(catalogue, "0000d100")
    missing = {name: missing for name, (_, missing) in told.items() if missing}
    stages = {"score": "Quality", "caption": "Captions", "curate": "Curation"}
    assert missing.keys() == {name for stage, name in stages.items() if stage not in done}
    for stage, name in stages.items():
        assert stage in done or f"`dvc repro {stage}`" in missing[name]


def test_nothing_ingested_is_said_with_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"scale demo: no data/demo/ingest/manifest.parquet; run `dvc repro"):
        read_catalogue(Paths(tmp_path, "demo"))


def test_scores_of_other_clips_are_stale_and_the_missing_ones_unknown(tmp_path):
    paths = scored(tmp_path)
    scores = read_table(paths.score / "scores.parquet")
    write_table(scores.iloc[4:], paths.score / "scores.parquet")
    catalogue = read_catalogue(paths)
    assert {one.stage: one.state for one in catalogue.standing}["score"] == "stale"
    assert facts(catalogue, "0000d100")["Quality"][0]["level"] == "unknown"


def test_every_clip_and_every_refused_file_is_there_once(whole):
    fates = whole.items["fate"].value_counts()
    assert fates.sum() == 60 + 4
    assert fates[QUARANTINED] == 4
    assert fates[KEPT] + fates[REMOVED] == 60
    assert whole.items["item"].is_unique
    assert OPEN not in fates


@pytest.mark.parametrize("wanted", ["0001d101", "0001d", "0001D1", "00ac0ffee00", "00ac0", HOSTILE_PATH, "broken.mp3"])
def test_ids_paths_and_unique_beginnings_name_one_thing(whole, wanted):
    rows = find(whole, wanted)
    assert rows["path"].nunique() == 1
    assert rows["offset_seconds"].is_monotonic_increasing or len(rows) == 1


def test_a_track_is_all_its_clips(whole):
    assert len(find(whole, "03ac0ffee03")) == 5
    assert len(find(whole, "03ac0ffee03.wav")) == 5


def test_an_ambiguous_beginning_names_candidates(whole):
    with pytest.raises(ValueError, match=r"'000' could be any of 16: 0000d100 \(00ac0ffee00.wav\), .* and 8 more"):
        find(whole, "000")
    with pytest.raises(ValueError, match=r"'.wav' could be any of 12: "):
        find(whole, ".wav")


@pytest.mark.parametrize("wanted", ["00", "", "zzz", "0001d101x"])
def test_what_names_nothing_is_an_error(whole, wanted):
    with pytest.raises(ValueError, match="no clip, track or file of scale demo"):
        find(whole, wanted)


def test_a_near_miss_is_answered_with_what_was_meant(whole):
    with pytest.raises(ValueError, match=r"near: 03ac0ffee03.wav"):
        find(whole, "ac0ffee03")


def test_a_removed_clip_says_why_and_shows_its_group(whole):
    told, _ = facts(whole, "0000d100")["Curation"]
    assert told["outcome"] == "removed: near duplicate"
    assert told["why"].startswith("of track 09ac0ffee09, similarity 0.")
    assert "09ac0ffee09 (kept" in told["duplicate group"]
    assert "00ac0ffee00 (removed" in told["duplicate group"]


def test_a_kept_clip_tells_likelihood_and_weight(whole):
    kept = whole.clips[(whole.clips["fate"] == KEPT) & (whole.clips["split"] == "train")]["item"].iloc[0]
    told, _ = facts(whole, kept)["Curation"]
    assert told["outcome"] == "kept"
    assert "nats, above" in told["log-likelihood"]
    assert float(told["sample weight"]) > 0


def test_an_unknown_score_is_unknown(whole):
    told, _ = facts(whole, "0007d107")["Quality"]
    assert (told["p-MOS"], told["level"]) == ("not measured", "unknown")


def test_a_refused_file_says_why(whole):
    told = facts(whole, "secret.wav")
    assert told["In quarantine"][0]["reason"] == "licence"
    assert told["Provenance"][0]["path"] == "secret.wav"


def test_columns_that_other_stages_add_are_shown_under_their_names(tmp_path):
    paths = scored(tmp_path)
    manifest = read_table(paths.ingest / "manifest.parquet")
    write_table(manifest.assign(attribution="by Ann"), paths.ingest / "manifest.parquet")
    scores = read_table(paths.score / "scores.parquet")
    write_table(scores.assign(stereo_width=0.125, screened="mono as stereo"), paths.score / "scores.parquet")
    told = facts(read_catalogue(paths), "0000d100")
    assert told["Provenance"][0]["attribution"] == "by Ann"
    assert told["Quality"][0]["stereo width"] == "0.125"
    assert told["Quality"][0]["screened"] == "mono as stereo"


def test_an_exact_copy_in_quarantine_does_not_hide_the_track(tmp_path):
    paths = ingested(tmp_path)
    manifest = read_table(paths.ingest / "manifest.parquet")
    first = manifest.iloc[0]
    quarantine = pd.DataFrame(
        [["synth", "copy.wav", first["sha256"], "duplicate", first["path"]]],
        columns=["source", "path", "sha256", "reason", "detail"],
    )
    write_table(quarantine, paths.ingest / "quarantine.parquet")
    catalogue = read_catalogue(paths)
    assert set(find(catalogue, first["sha256"])["path"]) == {first["path"]}
    assert set(find(catalogue, first["sha256"][:20])["path"]) == {first["path"]}
    assert set(find(catalogue, "copy.wav")["path"]) == {"copy.wav"}
