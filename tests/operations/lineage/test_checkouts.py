"""A removal waits for whoever is at work, takes tracks out of state, and a user's own files only if asked to."""

import fcntl
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from tests.ingest.s3.s3_server import S3Server

from padstal.core.data.content import sha256_file
from padstal.core.file_lock import BusyError
from padstal.ingest.config import S3Source
from padstal.ingest.outcome import Rejection
from padstal.ingest.s3.mirror_index import Entry, Index
from padstal.ingest.track_cache import TrackCache
from padstal.operations.lineage.checkouts import BASE_VARIABLE, check_idle, forget_state
from padstal.operations.lineage.removal import remove_sources, source_files


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(BASE_VARIABLE, str(tmp_path / "workspaces"))
    (tmp_path / "r" / ".dvc" / "tmp").mkdir(parents=True)
    return tmp_path / "r"


def test_a_stage_at_work_is_waited_for_and_a_dead_one_is_not(root: Path) -> None:
    lock = root / ".dvc" / "tmp" / "rwlock"
    lock.write_text(json.dumps({"write": {"/data": {"pid": os.getpid(), "cmd": "dvc repro"}}}))
    with pytest.raises(BusyError, match="dvc repro"):
        check_idle(root)
    lock.write_text(json.dumps({"read": {"/data": [{"pid": os.getpid(), "cmd": "dvc status"}]}}))
    with pytest.raises(BusyError, match="dvc status"):
        check_idle(root)
    lock.write_text(json.dumps({"read": {"/data": [{"pid": 2**22 + 1, "cmd": "dvc repro"}]}}))
    check_idle(root)


def test_a_run_at_work_is_waited_for(root: Path) -> None:
    run = root.parent / "workspaces" / "x" / "runs" / "retrain-1"
    run.mkdir(parents=True)
    with (run / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="retrain-1"):
            check_idle(root)
    check_idle(root)


def test_state_keeps_other_tracks_and_forgets_digests_for_good(tmp_path: Path) -> None:
    gone, stays = "a" * 64, "b" * 64
    store = tmp_path / "demo" / "ingest"
    with closing(TrackCache(store, "key")) as cache:
        for sha256 in (gone, stays):
            (cache.folder / f"{sha256}.samples").write_text("x")
            cache.keep(sha256, Rejection("silent", f"about {sha256}"))
    with sqlite3.connect(store / "digests.sqlite") as database:
        database.execute("CREATE TABLE digests (path BLOB PRIMARY KEY, sha256 TEXT) WITHOUT ROWID")
        rows = [(b"some/secret-title.wav", gone), (b"other.wav", stays)]
        database.executemany("INSERT INTO digests VALUES (?, ?)", rows)
    database.close()
    assert forget_state(tmp_path, [gone], []) == 2
    assert [path.stem for path in store.rglob("*.samples")] == [stays]
    for content in (path.read_bytes() for path in store.rglob("*.sqlite")):
        assert stays.encode() in content
        assert gone.encode() not in content
    content = (store / "digests.sqlite").read_bytes()
    assert b"secret-title" not in content


def test_own_files_go_by_their_bytes(root: Path) -> None:
    folder = root / "music"
    folder.mkdir()
    for name, content in (("a.wav", b"it"), ("copy.wav", b"it"), ("b.wav", b"another")):
        (folder / name).write_bytes(content)
    sources = [{"kind": "folder", "path": "music"}]
    found = source_files(root, sources, [sha256_file(folder / "a.wav")])
    assert [Path(path).name for _, path in found] == ["a.wav", "copy.wav"]
    remove_sources(sources, found)
    assert [path.name for path in folder.iterdir()] == ["b.wav"]


def test_an_object_of_a_users_bucket_goes_with_its_versions(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.bucket("music")
        server.objects.keep_versions("music")
        client = boto3.client("s3", endpoint_url=server.url)
        for key in ("pile/a.wav", "pile/b.wav"):
            client.put_object(Bucket="music", Key=key, Body=b"old")
            client.put_object(Bucket="music", Key=key, Body=key.encode())
        source = S3Source(kind="s3", uri="s3://music/pile", endpoint_url=server.url).model_dump()
        mirror = root / "data" / "mirror" / "pile"
        (mirror / ".mirror").mkdir(parents=True)
        for key, sha256 in (("a.wav", "a" * 64), ("b.wav", "b" * 64)):
            Index(mirror).add(Entry(key, 3, "etag", sha256, "md5", "", 0))
        found = source_files(root, [source], ["a" * 64])
        assert found == [("s3://music/pile", "a.wav")]
        remove_sources([source], found)
        assert {version.key for version in server.objects.versions("music")} == {"pile/b.wav"}
