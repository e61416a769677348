import numpy as np
import pandas as pd
import pytest
from tests.quality.fakes import FakeScorer, install, music, stage, write_corpus, write_ingest

from padstal.params.score import ScoreParams
from padstal.stages.harness import StageError
from padstal.stages.score import main
from padstal.storage.atomic import read_json

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
