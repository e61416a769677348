import numpy as np
import pandas as pd
import pytest
from tests.quality.fakes import FakeClap, FakeHearing, install, stage, write_corpus, write_ingest

from padstal.captions.refine import Decision
from padstal.params.caption import CaptionParams
from padstal.stages.caption import main
from padstal.storage.atomic import read_json

PARAMS = CaptionParams(
    rho1=0.1,
    rho2=0.1,
    rho3=0.25,
    neither_fits="keep",
    merge={"kind": "rules"},
    max_caption_bytes=110,
    alarm_ratio=3.0,
    batch_clips=7,
)


@pytest.fixture
def clap(tmp_path, monkeypatch):
    clap = FakeClap()
    install(monkeypatch, clap=clap, captioner=FakeHearing(), tagger=FakeHearing())
    return clap


def captions(tmp_path, params=PARAMS):
    run = stage("caption", tmp_path, params)
    main(run)
    return pd.read_parquet(run.paths.caption / "captions.parquet"), run


def test_decisions_captions_and_similarities_agree(tmp_path, clap):
    manifest = write_corpus(tmp_path)
    manifest.loc[:4, "caption"] = ""
    manifest.loc[5:9, ["caption", "tags"]] = ""
    write_ingest(tmp_path, manifest)
    table, run = captions(tmp_path)
    assert table["clip_id"].tolist() == manifest["clip_id"].tolist()
    assert (table.loc[:4, "original"] == "jazz, piano").all()
    assert (table.loc[5:9, "original"] == "").all()
    assert table.loc[5:9, "similarity_original_audio"].isna().all()
    assert set(table["decision"]) <= {str(decision) for decision in Decision}
    for _, row in table.iterrows():
        match Decision(row["decision"]):
            case Decision.KEPT | Decision.KEPT_UNFIT:
                assert row["caption"] == row["original"]
                assert row["similarity_caption_audio"] == row["similarity_original_audio"]
            case Decision.FUSED:
                assert row["caption"].startswith(row["original"])
                assert row["similarity_caption_audio"] > 0.1
            case Decision.UNCONDITIONAL:
                assert row["caption"] == ""
            case _:
                assert row["caption"] == row["generated"]
    share = read_json(run.paths.metrics("caption"))["share"]
    assert sum(share.values()) == pytest.approx(1)


def test_audio_embeddings_are_kept_row_by_row(tmp_path, clap):
    manifest = write_corpus(tmp_path, count=2)
    _, run = captions(tmp_path)
    kept = np.load(run.paths.caption / "audio_embeddings.npy")
    assert kept.shape == (len(manifest), clap.features)
    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1, rtol=1e-5)


def test_no_caption_is_embedded_twice(tmp_path, clap):
    write_corpus(tmp_path)
    captions(tmp_path)
    assert len(clap.texts_seen) == len(set(clap.texts_seen))


def test_two_runs_give_the_same_bytes(tmp_path, clap):
    write_corpus(tmp_path)
    _, run = captions(tmp_path)
    first = {file.name: file.read_bytes() for file in run.paths.caption.iterdir()}
    captions(tmp_path)
    assert {file.name: file.read_bytes() for file in run.paths.caption.iterdir()} == first
