import numpy as np
import pandas as pd
import pytest
from tests.curation.fakes import RATE, music, stage, write_corpus, write_ingest

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.manifest import COLUMNS, write_table
from padstal.curation.config import CurateParams
from padstal.curation.likelihood import track_embeddings
from padstal.stages.curate import main
from padstal.stages.harness import StageError

PARAMS = {
    "duplicate_similarity": 0.75,
    "max_shift_seconds": 1.2,
    "keep_likelihood": 1.0,
    "min_likelihood_tracks": 2,
    "min_quality_level": 1,
    "weights": {"by": "none", "power": 0.5},
}
DISTRIBUTION = {"mu": 3.0, "sigma": 0.5, "n": 40, "quantiser": "swapped", "gap_policy": "none"}


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
    write_json(paths.score / "distribution.json", DISTRIBUTION)
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
    added = {"pmos", "quality_level", "prefix", "original", "decision", "log_likelihood", "duplicate_group", "weight"}
    added |= {"generated", "caption_licence"}
    assert set(dataset.columns) == set(COLUMNS) | added
    assert list(removed.columns) == [*dataset.columns.drop("weight"), "reason", "detail"]
    assert metrics["kept"] == len(manifest)


def test_of_a_near_duplicate_in_another_split_only_the_held_out_copy_stays(tmp_path):
    tracks = {f"track{i:02d}": music(i) for i in range(12)}
    tracks["track09"] = np.append(0.5 * tracks["track00"][RATE // 2 :], np.zeros(RATE // 2, np.float32))
    prepare(tmp_path, tracks, pmos={"track00": 4.0, "track09": 2.0})
    dataset, removed, metrics = curate(tmp_path)
    assert set(removed["track_id"]) == {"track00"}
    assert set(removed["reason"]) == {"near_duplicate"}
    assert removed["detail"].str.match(r"of track track09, similarity 0\.\d{3}").all()
    assert set(dataset.loc[dataset["duplicate_group"] != "", "track_id"]) == {"track09"}
    assert metrics["duplicate_groups"] == metrics["duplicate_groups_across_splits"] == 1
    assert metrics["duplicate_groups_across_artists"] == 1
    assert metrics["duplicate_groups_across_licences"] == 0
    assert metrics["ledger"]["all_files"] == {"in": 12, "kept": 11, "quarantined": 0, "duplicates": 1, "filtered": 0}


def test_of_a_near_duplicate_in_one_split_the_better_stays(tmp_path):
    tracks = {f"track{i:02d}": music(i) for i in range(12)}
    tracks["track03"] = np.float32(0.5) * tracks["track00"]
    prepare(tmp_path, tracks, pmos={"track00": 2.0, "track03": 4.0})
    _, removed, metrics = curate(tmp_path)
    assert set(removed["track_id"]) == {"track00"}
    assert metrics["duplicate_groups_across_splits"] == 0


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


def test_what_the_data_set_is_held_against_lies_beside_it(tmp_path):
    manifest = prepare(tmp_path)
    dataset, _, _ = curate(tmp_path)
    folder = stage("curate", tmp_path, None).paths.curate
    assert read_json(folder / "origin.json") == {"clips": len(manifest), "pmos": DISTRIBUTION}
    moments = np.load(folder / "gaussian.npy")
    assert moments.shape == (1 + 6, 6)
    np.testing.assert_allclose(moments[1:], moments[1:].T)
    track_N, of_track_ND = track_embeddings(
        np.load(stage("curate", tmp_path, None).paths.caption / "audio_embeddings.npy"), manifest["track_id"].to_numpy()
    )
    training = set(dataset.loc[dataset["split"] == "train", "track_id"])
    np.testing.assert_allclose(moments[0], of_track_ND[[track in training for track in track_N]].mean(axis=0))


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
    ledger = metrics["ledger"]
    assert ledger["curate_clips"]["in"] == len(manifest)
    assert ledger["curate_clips"]["kept"] == len(dataset)
    assert ledger["curate_clips"]["duplicates"] == (removed["reason"] == "near_duplicate").sum()
    assert ledger["curate_files"] == {"in": 12, "kept": 9, "quarantined": 0, "duplicates": 1, "filtered": 2}


def test_files_in_quarantine_are_in_the_ledger(tmp_path):
    manifest = prepare(tmp_path)
    write_ingest(tmp_path, manifest, {"a.wav": "duplicate", "b.wav": "licence", "c.wav": "truncated"})
    _, _, metrics = curate(tmp_path)
    assert metrics["ledger"]["all_files"] == {
        "in": 15,
        "kept": 12,
        "quarantined": 2,
        "duplicates": 1,
        "filtered": 0,
    }


def test_a_file_that_vanished_since_ingest_counted_stops_the_run(tmp_path):
    manifest = prepare(tmp_path)
    write_ingest(tmp_path, manifest, {"a.wav": "licence"})
    counts = stage("curate", tmp_path, None).paths.metrics("ingest")
    write_json(counts, {**read_json(counts), "files": 14})
    with pytest.raises(StageError, match=r"ingest, files: 14 came in, but 12 kept \+ 1 quarantined .* = 13"):
        curate(tmp_path)


def test_a_row_of_a_table_without_a_file_is_not_a_file(tmp_path):
    manifest = prepare(tmp_path)
    write_ingest(tmp_path, manifest, {"a.wav": "row_missing"})
    counts = stage("curate", tmp_path, None).paths.metrics("ingest")
    write_json(counts, {**read_json(counts), "files": 12})
    assert curate(tmp_path)[2]["ledger"]["all_files"]["in"] == 12


def test_the_genre_that_the_likelihood_cut_took_is_named(tmp_path):
    manifest = prepare(tmp_path)
    odd = manifest["track_id"] == "track03"
    write_ingest(tmp_path, manifest.assign(tags=np.where(odd, "noise", "jazz, piano")))
    metrics = curate(tmp_path, keep_likelihood=0.85)[2]
    lost = metrics["genre_loss"]
    assert (lost["tracks_before"], lost["tracks_after"], lost["tags"]) == (8, 7, 3)
    assert lost["of_tag"]["noise"] == {"tracks": 1, "lost": 1.0}
    assert lost["of_tag"]["jazz"] == {"tracks": 7, "lost": 0.0}
    assert lost["entropy_before"] > lost["entropy_after"] == 1.0


def test_training_clips_are_weighed_by_artist_and_held_out_ones_are_not(tmp_path):
    manifest = prepare(tmp_path)
    artist = manifest["artist"].where(~manifest["artist"].isin(["artist0", "artist1", "artist2"]), "prolific")
    write_ingest(tmp_path, manifest.assign(artist=artist))
    dataset, _, metrics = curate(tmp_path, weights={"by": "artist", "power": 1.0})
    train = dataset[dataset["split"] == "train"]
    shares = train.groupby("artist")["weight"].sum()
    assert shares.nunique() == 1 or np.ptp(shares) < 1e-9
    assert set(dataset.loc[dataset["split"] != "train", "weight"]) == {1.0}
    assert metrics["effective_clips"] < len(train)
    assert curate(tmp_path)[2]["effective_clips"] == len(train)


@pytest.mark.parametrize("keep", [0.9, 1.0])
def test_a_library_too_small_for_likelihoods_loses_none_to_them_and_it_is_said(tmp_path, capsys, keep):
    prepare(tmp_path)
    dataset, removed, metrics = curate(tmp_path, keep_likelihood=keep, min_likelihood_tracks=100)
    assert dataset["log_likelihood"].isna().all()
    assert "unlikely" not in set(removed["reason"])
    assert metrics["shrinkage"] is None
    assert metrics["no_likelihoods"].startswith("8 tracks: expected at least 100")
    assert metrics["no_likelihoods"].endswith("the likelihood cut is left out") == (keep < 1)
    assert metrics["no_likelihoods"] in capsys.readouterr().out
    assert not (stage("curate", tmp_path, None).paths.curate / "gaussian.npy").exists()
    assert "no_likelihoods" not in curate(tmp_path, keep_likelihood=keep)[2]


def test_embeddings_without_a_gaussian_stop_a_likelihood_cut(tmp_path):
    prepare(tmp_path)
    embeddings = stage("curate", tmp_path, None).paths.caption / "audio_embeddings.npy"
    np.save(embeddings, np.ones_like(np.load(embeddings)))
    with pytest.raises(StageError, match=r"likelihood cut: .* all equal.* keep_likelihood: 1"):
        curate(tmp_path, keep_likelihood=0.9)


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
