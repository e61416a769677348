from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.curation.fakes import RATE, FakeScorer, install, music, stage, write_corpus, write_ingest

from padstal.core.data.atomic import read_json
from padstal.curation.config import ScoreParams
from padstal.curation.listening import at_rate
from padstal.foundation.config import PublishedPmos
from padstal.stages import prepare
from padstal.stages.harness import StageError
from padstal.stages.score import main

PARAMS = ScoreParams(gap_policy="none", quantiser="swapped", batch_clips=7)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    tracks = {f"track{i:02d}": music(i) * (0.1 + 0.1 * i) for i in range(12)}
    tracks["track11"] = np.zeros_like(tracks["track11"])
    install(monkeypatch, pmos=FakeScorer())
    return write_corpus(tmp_path, tracks)


def test_every_clip_has_a_score_level_and_prefix_in_the_manifests_order(tmp_path, corpus):
    run = stage("score", tmp_path, PARAMS)
    main(run)
    scores = pd.read_parquet(run.paths.score / "scores.parquet")
    assert scores["clip_id"].tolist() == corpus["clip_id"].tolist()
    assert scores["pmos"].head(50).diff(5).dropna().mean() < 0  # louder tracks score worse here
    assert set(scores["quality_level"]) <= {0, 1, 2, 3, 4, 5}
    silent = scores["clip_id"].str.startswith("track11")
    assert (scores.loc[silent, "quality_level"] == 0).all()
    assert (scores.loc[silent, "prefix"] == "").all()
    assert read_json(run.paths.metrics("score"))["unknown"] == 5


def test_the_distribution_is_that_of_the_train_split_alone(tmp_path, corpus):
    run = stage("score", tmp_path, PARAMS)
    main(run)
    scores = pd.read_parquet(run.paths.score / "scores.parquet")
    train = scores["pmos"][corpus["split"] == "train"].astype(float)
    found = read_json(run.paths.score / "distribution.json")
    assert found["mu"] == pytest.approx(train.mean(), rel=1e-5)
    assert found["sigma"] == pytest.approx(train.std(ddof=0), rel=1e-5)
    assert found["n"] == len(train)
    assert (found["quantiser"], found["gap_policy"]) == ("swapped", "none")


def test_held_out_clips_move_neither_mu_nor_sigma_and_no_training_level(tmp_path, corpus):
    run = stage("score", tmp_path, PARAMS)
    main(run)
    before, scores = (
        read_json(run.paths.score / "distribution.json"),
        pd.read_parquet(run.paths.score / "scores.parquet"),
    )
    shard = run.paths.ingest / "shards" / "00000.npy"
    pcm, training = np.load(shard), (corpus["split"] == "train").to_numpy()
    pcm[~training] //= 3
    np.save(shard, pcm)
    main(run)
    after = pd.read_parquet(run.paths.score / "scores.parquet")
    assert read_json(run.paths.score / "distribution.json") == before
    pd.testing.assert_frame_equal(after[training], scores[training])
    assert (after["pmos"][~training] > scores["pmos"][~training]).any()


def test_the_published_scorer_hears_the_mean_of_the_channels_at_its_own_rate(tmp_path):
    from tests.foundation.test_wav2vec2 import expected, judge, published_state, write

    model, head = judge()
    source = write(tmp_path / "checkpoints", published_state(model, head))
    prepare.main(
        stage("prepare", tmp_path, SimpleNamespace(pmos=PublishedPmos(kind="pretrained", weights=source)), "pmos")
    )

    corpus = write_corpus(tmp_path)
    run = stage("score", tmp_path, PARAMS)
    rng = np.random.default_rng(0)
    shard = run.paths.ingest / "shards" / "00000.npy"
    stereo_NSC = np.concatenate([np.load(shard), rng.integers(-9000, 9000, (len(corpus), 8192, 1))], axis=2)
    np.save(shard, stereo_NSC.astype(np.int16))
    main(run)
    mono_NS = (stereo_NSC.astype(np.int16) / 32768.0).mean(axis=2).astype(np.float32)
    due = expected(model, head, at_rate(mono_NS, RATE, 16_000))
    scores = pd.read_parquet(run.paths.score / "scores.parquet")["pmos"]
    np.testing.assert_allclose(scores, np.clip(due, 0, 5), atol=1e-3)
    assert np.ptp(due) > 0.05
    metrics = read_json(run.paths.metrics("prepare", "pmos"))
    assert (metrics["kind"], metrics["members"], metrics["sample_rate"]) == ("pretrained", 1, 16_000)


def test_two_runs_give_the_same_bytes(tmp_path, corpus):
    run = stage("score", tmp_path, PARAMS)
    main(run)
    first = (run.paths.score / "scores.parquet").read_bytes()
    main(run)
    assert (run.paths.score / "scores.parquet").read_bytes() == first


def test_a_corpus_without_a_training_clip_is_refused(tmp_path, corpus):
    write_ingest(tmp_path, corpus.assign(split="test"))
    with pytest.raises(StageError, match="train split: none of 0 p-MOS scores is finite"):
        main(stage("score", tmp_path, PARAMS))
