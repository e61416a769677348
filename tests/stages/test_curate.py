import numpy as np
import pandas as pd
import pytest
from tests.quality.fakes import RATE, music, stage, write_corpus, write_ingest

from padstal.manifest import COLUMNS, write_table
from padstal.params.curate import CurateParams
from padstal.stages.curate import main
from padstal.stages.harness import StageError
from padstal.storage.atomic import read_json

PARAMS = {
    "duplicate_similarity": 0.75,
    "max_shift_seconds": 1.2,
    "keep_likelihood": 1.0,
    "min_likelihood_tracks": 2,
    "min_quality_level": 1,
}


def prepare(root, tracks=None, pmos=None):
    """Outputs of ingest, score and caption; p-MOS of a track is `pmos[track]` or 3."""
    manifest = write_corpus(root, tracks)
    paths = stage("curate", root, None).paths
    score = manifest["track_id"].map(pmos or {}).fillna(3.0)
    paths.score.mkdir(parents=True)
    levels = score.round().astype(int)
    write_table(
        pd.DataFrame({"clip_id": manifest["clip_id"], "pmos": score, "quality_level": levels, "prefix": ""}),
        paths.score / "scores.parquet",
    )
    paths.caption.mkdir(parents=True)
    captions = {"original": "to", "generated": "tg", "decision": "kept", "caption": "to", "caption_licence": ""}
    write_table(pd.DataFrame({"clip_id": manifest["clip_id"], **captions}), paths.caption / "captions.parquet")
    rng = np.random.default_rng(0)
    embedding = rng.standard_normal((len(manifest), 6))
    embedding[:, 0] += 4
    embedding[manifest["track_id"] == "track03"] = [0, -1, 0, 0, 0, 0]  # far from all others
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    np.save(paths.caption / "audio_embeddings.npy", embedding.astype(np.float32))
    return manifest


def curate(root, **changed):
    run = stage("curate", root, CurateParams(**{**PARAMS, **changed}))
    main(run)
    dataset = pd.read_parquet(run.paths.curate / "dataset.parquet")
    removed = pd.read_parquet(run.paths.curate / "removed.parquet")
    return dataset, removed, read_json(run.paths.metrics("curate"))


def test_with_nothing_to_object_to_all_stay(tmp_path):
    manifest = prepare(tmp_path)
    dataset, removed, metrics = curate(tmp_path)
    assert dataset["clip_id"].tolist() == manifest["clip_id"].tolist()
    assert len(removed) == 0
    added = {"pmos", "quality_level", "prefix", "original", "decision", "log_likelihood", "duplicate_group"}
    added |= {"caption_licence"}
    assert set(dataset.columns) == set(COLUMNS) | added
    assert list(removed.columns) == ["clip_id", "track_id", "reason", "detail"]
    assert metrics["kept"] == len(manifest)


def test_of_a_near_duplicate_in_another_split_only_the_better_stays(tmp_path):
    tracks = {f"track{i:02d}": music(i) for i in range(12)}
    tracks["track09"] = np.append(0.5 * tracks["track00"][RATE // 2 :], np.zeros(RATE // 2, np.float32))
    prepare(tmp_path, tracks, pmos={"track00": 2.0, "track09": 4.0})
    dataset, removed, metrics = curate(tmp_path)
    assert set(removed["track_id"]) == {"track00"}
    assert set(removed["reason"]) == {"near_duplicate"}
    assert removed["detail"].str.match(r"of track track09, similarity 0\.\d{3}").all()
    assert set(dataset.loc[dataset["duplicate_group"] != "", "track_id"]) == {"track09"}
    assert metrics["duplicate_groups"] == metrics["duplicate_groups_across_splits"] == 1


def test_the_likelihood_cut_takes_the_strangest_training_track_and_leaves_other_splits(tmp_path):
    manifest = prepare(tmp_path)
    dataset, removed, metrics = curate(tmp_path, keep_likelihood=0.85)
    training = manifest.loc[manifest["split"] == "train", "track_id"].nunique()
    assert set(removed["reason"]) == {"unlikely"}
    assert removed["track_id"].nunique() == training - int(np.ceil(0.85 * training))
    assert "track03" in set(removed["track_id"])
    assert (dataset["split"] != "train").sum() == (manifest["split"] != "train").sum()
    assert np.isfinite(dataset["log_likelihood"]).all()
    assert 0 < metrics["shrinkage"] <= 1


def test_low_quality_leaves_training_only(tmp_path):
    manifest = prepare(tmp_path, pmos={"track00": 1.0, "track08": 1.0})
    assert set(manifest.loc[manifest["track_id"] == "track08", "split"]) == {"validation"}
    dataset, removed, _ = curate(tmp_path, min_quality_level=2)
    assert set(removed["track_id"]) == {"track00"}
    assert set(removed["reason"]) == {"quality"}
    assert "track08" in set(dataset["track_id"])


def test_every_clip_is_accounted_for(tmp_path):
    tracks = {f"track{i:02d}": music(i) for i in range(12)}
    tracks["track04"] = tracks["track05"].copy()
    manifest = prepare(tmp_path, tracks, pmos={"track00": 1.0})
    dataset, removed, metrics = curate(tmp_path, min_quality_level=2, keep_likelihood=0.8)
    assert sorted([*dataset["clip_id"], *removed["clip_id"]]) == sorted(manifest["clip_id"])
    assert metrics["kept"] + sum(metrics["removed_because"].values()) == len(manifest)


def test_too_few_tracks_for_a_likelihood_cut_are_refused_and_without_a_cut_accepted(tmp_path):
    prepare(tmp_path)
    with pytest.raises(StageError, match=r"likelihood cut: 8 tracks: expected at least 100 .* keep_likelihood: 1"):
        curate(tmp_path, keep_likelihood=0.9, min_likelihood_tracks=100)
    dataset, _, metrics = curate(tmp_path, min_likelihood_tracks=100)
    assert dataset["log_likelihood"].isna().all()
    assert metrics["shrinkage"] is None


def test_an_artist_in_two_splits_is_named(tmp_path):
    manifest = prepare(tmp_path)
    write_ingest(tmp_path, manifest.assign(artist="somebody"))
    with pytest.raises(
        StageError, match=r"artist: 1 lie in more than one split.*somebody in test and train and validation"
    ):
        curate(tmp_path)


def test_clips_without_a_score_are_an_error_not_a_loss(tmp_path):
    prepare(tmp_path)
    paths = stage("curate", tmp_path, None).paths
    scores = pd.read_parquet(paths.score / "scores.parquet")
    write_table(scores.iloc[3:], paths.score / "scores.parquet")
    with pytest.raises(StageError, match="60 clips in the manifest, 57 with a score"):
        curate(tmp_path)


def test_two_runs_give_the_same_bytes(tmp_path):
    prepare(tmp_path)
    curate(tmp_path, keep_likelihood=0.9)
    folder = stage("curate", tmp_path, None).paths.curate
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    curate(tmp_path, keep_likelihood=0.9)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first
