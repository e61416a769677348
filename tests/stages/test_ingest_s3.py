"""A bucket gives the clips that a folder of the same files gives; what cannot be had is in quarantine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.ingest.s3.s3_server import S3Server
from tests.stages.test_ingest import FORM, RATE, _audio, _digests, _run, _stage

from padstal.core.data.atomic import read_json, write_json
from padstal.core.params import ParamsError, check
from padstal.demo.audio_files import encode
from padstal.ingest.config import IngestParams
from padstal.ingest.listing import scan
from padstal.stages.harness import StageError
from padstal.stages.ingest import main


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server(page=3) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        running.bucket("music")
        yield running


@pytest.fixture
def music(tmp_path: Path) -> dict[str, bytes]:
    """Files of a folder `pile`, good and bad, with a captions table."""
    good = {f"deep/{i}.{kind}": encode(_audio(i), RATE, kind) for i, kind in enumerate(("wav", "flac", "ogg", "mp3"))}
    bad = {
        "copy.wav": good["deep/0.wav"],
        "cut.mp3": good["deep/3.mp3"][:3000],
        "empty.wav": b"",
        "silent.wav": encode(np.zeros((3 * RATE, 1), np.float32), RATE, "wav"),
        "html.mp3": b"<!DOCTYPE html>",
        "notes.txt": b"not music",
        "captions.csv": b"path,caption,artist\ndeep/1.flac,a tune,Ann\n",
    }
    for key, content in {**good, **bad}.items():
        path = tmp_path / "folder" / "pile" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {**good, **bad}


def _source(server: S3Server, **more: Any) -> dict[str, Any]:
    quick = {"connections": 4, "attempts": 2, "max_failed_share": 0.2}
    source = {"kind": "s3", "uri": "s3://music/pile", "endpoint_url": server.url, "licence": "cc0", "fetch": quick}
    return {**source, "captions": "captions.csv", **more}


def _but_source(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="source")


def test_a_bucket_gives_what_a_folder_of_the_same_files_gives(server, music, tmp_path):
    for key, content in music.items():
        server.put("music", f"pile/{key}", content)
    server.put("music", "pile/deep/", b"")
    server.put("music", "pile/.hidden.wav", music["deep/0.wav"])
    folder = {"kind": "folder", "path": "folder/pile", "captions": "captions.csv", "licence": "cc0"}
    from_folder, refused_there, counts_there = _run(tmp_path / "a", {**folder, "path": str(tmp_path / "folder/pile")})
    from_bucket, refused_here, counts_here = _run(tmp_path / "b", _source(server, name="objects"))
    assert len(from_folder) > 8
    pd.testing.assert_frame_equal(_but_source(from_bucket), _but_source(from_folder))
    pd.testing.assert_frame_equal(_but_source(refused_here), _but_source(refused_there))
    assert counts_here == counts_there
    assert set(from_bucket["source"]) == {"objects"}
    shards = [_digests(tmp_path / run / "data/demo/ingest/shards") for run in "ab"]
    assert shards[0] == shards[1]


def test_what_cannot_be_had_is_in_quarantine_once_and_the_counts_add_up(server, music, tmp_path):
    for key, content in music.items():
        server.put("music", f"pile/{key}", content)
    server.put("music", "pile/../../up.wav", music["deep/0.wav"])
    server.fault("internal", key="pile/deep/1.flac", times=10**6)
    manifest, quarantine, metrics = _run(tmp_path, _source(server))
    failed = quarantine[quarantine["reason"] == "fetch_failed"].set_index("path")["detail"]
    assert set(failed.index) == {"deep/1.flac", "../../up.wav"}
    assert "InternalError" in failed["deep/1.flac"]
    assert "no path below a folder" in failed["../../up.wav"]
    assert not quarantine["path"].duplicated().any()
    assert "deep/1.flac" not in set(manifest["path"])
    assert metrics["quarantined"]["fetch_failed"] == 2
    assert metrics["files"] == metrics["files_kept"] + metrics["files_quarantined"] + metrics["files_duplicate"]


def test_too_many_failures_no_credentials_and_no_captions_end_the_stage(server, music, tmp_path, monkeypatch):
    for key, content in music.items():
        server.put("music", f"pile/{key}", content)
    server.fault("internal", key="pile/captions.csv", times=10**6)
    with pytest.raises(StageError, match=r"captions table captions\.csv.*InternalError"):
        _run(tmp_path, _source(server))
    server.fault("internal", times=10**6)
    with pytest.raises(StageError, match="more than max_failed_share"):
        _run(tmp_path / "n", _source(server))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    with pytest.raises(StageError, match=r"InvalidAccessKeyId.*set AWS_ACCESS_KEY_ID"):
        _run(tmp_path, _source(server))
    assert not (tmp_path / "data/demo/ingest").exists()


def test_a_listing_that_is_behind_is_said(server, music, tmp_path, capsys):
    for key, content in music.items():
        server.put("music", f"pile/{key}", content)
    stage = _stage(tmp_path, _source(server))
    write_json(stage.paths.sources, scan(stage.params.sources, root=tmp_path))
    assert read_json(stage.paths.sources)["sources"][0]["name"] == "pile"
    main(stage)
    assert "since the last `padstal scan`" not in capsys.readouterr().out
    server.put("music", "pile/new.wav", encode(_audio(11), RATE, "wav"))
    main(stage)
    said = capsys.readouterr().out
    assert "changed since the last `padstal scan`" in said
    assert "1 objects fetched, 11 unchanged" in said


def test_params_of_a_bucket_have_defaults_and_refuse_what_is_wrong():
    def load(**more: Any) -> Any:
        return check(IngestParams, {**FORM, "sources": [{"kind": "s3", "uri": "s3://music/a/b/", **more}]}, "ingest")

    [source] = load().sources
    assert (source.name, source.endpoint_url, source.fetch.connections) == ("b", None, 16)
    assert load(uri="s3://music").sources[0].name == "music"
    for wrong in (
        {"uri": "music/b"},
        {"uri": "s3://music/strange name"},
        {"name": "../up"},
        {"endpoint_url": "https://key:secret@store.example"},
        {"endpoint_url": "store.example"},
        {"access_key": "AKID"},
        {"fetch": {"connections": 0}},
    ):
        with pytest.raises(ParamsError, match=r"ingest\.sources"):
            load(**wrong)
