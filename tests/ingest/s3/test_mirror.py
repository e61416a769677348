"""A mirror holds what the bucket holds, fetches what is new alone, and never touches what is not its own."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.ingest.s3.mirrored import fetch, files, parts
from tests.ingest.s3.s3_server import S3Server

from padstal.core.data.content import sha256_file
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.mirror_index import STATE, Index, claimed


def _fill(server: S3Server, count: int = 20) -> dict[str, bytes]:
    content = {f"a{i % 3}/{i:02d}.wav": os.urandom(1000 + i) for i in range(count)}
    for key, octets in content.items():
        server.put("music", f"p/{key}", octets)
    return content


def test_it_holds_all_objects_below_the_prefix_and_nothing_else(server, tmp_path):
    content = _fill(server)
    server.put("music", "p/a0/", b"")  # marks a folder
    server.put("music", "p/empty.wav", b"")
    server.put("music", "p/.hidden/x.wav", b"hidden, as in a folder")
    server.put("music", "prefix-of-another/x.wav", b"no")
    done = fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == {**content, "empty.wav": b""}
    assert (done.fetched, done.kept, done.removed, done.failed) == (21, 0, 0, {})
    assert parts(tmp_path / "m") == {}
    assert done.checks == {"etag_md5": 21}


def test_a_whole_bucket_is_a_prefix_too(server, tmp_path):
    server.put("music", "x.wav", b"x")
    fetch(server, tmp_path / "m", "s3://music")
    assert files(tmp_path / "m") == {"x.wav": b"x"}


def test_unchanged_objects_are_not_fetched_again_and_the_rest_follows_the_bucket(server, tmp_path):
    content = _fill(server)
    fetch(server, tmp_path / "m")
    before = server.count("GetObject")
    server.put("music", "p/a0/00.wav", b"changed")
    server.put("music", "p/new/x.wav", b"new")
    for key in [key for key in content if key.startswith("a1/")]:
        del server.bucket("music")[f"p/{key}"]
    done = fetch(server, tmp_path / "m")
    assert (done.fetched, done.kept, done.removed) == (2, 12, 7)
    assert server.count("GetObject") - before == 2
    kept = {key: octets for key, octets in content.items() if not key.startswith("a1/")}
    assert files(tmp_path / "m") == {**kept, "a0/00.wav": b"changed", "new/x.wav": b"new"}
    assert not (tmp_path / "m" / "a1").exists()


def test_it_does_not_depend_on_history(server, tmp_path):
    _fill(server)
    fetch(server, tmp_path / "grown")
    del server.bucket("music")["p/a0/00.wav"]
    server.put("music", "p/a0/00.wav/was/a/file.wav", b"now a folder")
    server.put("music", "p/a1", b"a file of a folder's name")
    fetch(server, tmp_path / "grown", max_failed_share=0.1)
    fetch(server, tmp_path / "clean", max_failed_share=0.1)
    assert files(tmp_path / "grown") == files(tmp_path / "clean")
    for key in [key for key in server.bucket("music") if key.startswith("p/a1/")]:
        del server.bucket("music")[key]
    fetch(server, tmp_path / "grown")
    assert files(tmp_path / "grown")["a1"] == b"a file of a folder's name"


def test_the_index_says_what_came_when_and_how_it_was_checked(server, tmp_path):
    server.put("music", "p/x.wav", b"123456789", checksum="crc32")
    fetch(server, tmp_path / "m")
    entry = Index(tmp_path / "m").entries["x.wav"]
    assert entry.sha256 == sha256_file(tmp_path / "m" / "x.wav")
    assert entry.check == "checksum"
    assert entry.etag == server.bucket("music")["p/x.wav"].etag
    assert entry.fetched_at.endswith("+00:00")


def test_a_torn_line_of_the_index_costs_one_fetch(server, tmp_path):
    content = _fill(server, 3)
    fetch(server, tmp_path / "m")
    index = tmp_path / "m" / STATE / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-20])
    done = fetch(server, tmp_path / "m")
    assert (done.fetched, done.kept) == (1, 2)
    assert files(tmp_path / "m") == content
    assert [json.loads(line)["key"] for line in index.read_text().splitlines()] == sorted(content)


def test_a_file_that_someone_changed_is_fetched_again_and_one_only_touched_is_not(server, tmp_path):
    content = _fill(server, 3)
    fetch(server, tmp_path / "m")
    changed, touched, _ = sorted(content)
    (tmp_path / "m" / changed).write_bytes(os.urandom(len(content[changed])))
    os.utime(tmp_path / "m" / touched, (1, 1))
    (tmp_path / "m" / "stray.wav").write_bytes(b"no object")
    done = fetch(server, tmp_path / "m")
    assert (done.fetched, done.kept, done.removed) == (1, 2, 1)
    assert files(tmp_path / "m") == content


def test_a_folder_that_is_no_mirror_or_another_ones_is_left_alone(server, tmp_path):
    _fill(server, 1)
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.wav").write_bytes(b"mine")
    with pytest.raises(StoreError, match="is no mirror"):
        fetch(server, own)
    fetch(server, tmp_path / "m")
    with pytest.raises(StoreError, match=r"s3://music/p/.*expected.*s3://music/other"):
        fetch(server, tmp_path / "m", "s3://music/other")
    assert files(own) == {"mine.wav": b"mine"}
    assert len(files(tmp_path / "m")) == 1


def test_two_runs_do_not_write_into_one_mirror(server, tmp_path):
    _fill(server, 1)
    fetch(server, tmp_path / "m")
    origin = json.loads((tmp_path / "m" / STATE / "origin.json").read_text())
    with claimed(tmp_path / "m", origin), pytest.raises(StoreError, match="another run"):
        fetch(server, tmp_path / "m")


def test_hostile_keys_are_named_and_nothing_is_written_outside(server, tmp_path):
    hostile = [
        "../out.wav",
        "/etc/padstal.wav",
        "a\0b.wav",
        "d//e.wav",
        "x" * 300,
        "good.wav",
        "GOOD",
        "é/../../../out.wav",
    ]
    for key in [*hostile, "GOOD.wav", "GOOD/x.wav"]:
        server.put("music", f"p/{key}", b"content")
    done = fetch(server, tmp_path / "deep" / "m", max_failed_share=1.0)
    assert set(done.failed) == set(hostile)
    assert files(tmp_path / "deep" / "m") == {"GOOD.wav": b"content", "GOOD/x.wav": b"content"}
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_bytes_are_synced_before_they_get_their_name(server, tmp_path, monkeypatch):
    server.put("music", "p/x.wav", b"x")
    events: list[str] = []
    sync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        events.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).parent.name}")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        events.append(f"rename {path.parent.name} {Path(target).name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    fetch(server, tmp_path / "m")
    events = [event for event in events if "parts" in event]
    assert events == ["sync parts", "rename parts x.wav"]


def test_bytes_come_as_they_are_stored_whatever_their_encoding(server, tmp_path):
    octets = gzip.compress(b"x" * 1000)
    server.put("music", "p/x.wav", octets, headers={"Content-Encoding": "gzip"})
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == {"x.wav": octets}


def test_links_in_the_mirror_lead_nowhere(server, tmp_path):
    server.put("music", "p/a/x.wav", b"x")
    fetch(server, tmp_path / "m")
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(tmp_path / "m" / "a")
    (tmp_path / "m" / "a").symlink_to(outside)
    fetch(server, tmp_path / "m")
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "m" / "a").is_symlink()
    assert files(tmp_path / "m") == {"a/x.wav": b"x"}


def test_objects_that_are_too_long_are_named_and_not_asked_for(server, tmp_path):
    server.put("music", "p/long.wav", bytes(2**20 + 1))
    server.put("music", "p/right.wav", bytes(2**20))
    done = fetch(server, tmp_path / "m", max_object_mebibytes=1, max_failed_share=0.5)
    assert done.failed == {"long.wav": "1048577 bytes: expected at most 1048576"}
    assert list(files(tmp_path / "m")) == ["right.wav"]
    assert server.count("GetObject") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIDOTHER"}, "InvalidAccessKeyId"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ({"AWS_SESSION_TOKEN": "old"}, "InvalidToken"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "Unable to locate credentials"),
        ({"AWS_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_refused_credentials_are_one_request_and_one_message_without_a_secret(
    server, tmp_path, monkeypatch, change, message
):
    _fill(server, 2)
    for name, value in change.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=message) as error:
        fetch(server, tmp_path / "m")
    assert "AWS_ACCESS_KEY_ID" in str(error.value)
    assert server.secret_key not in str(error.value)
    assert len(server.requests) <= 1


def test_a_public_bucket_needs_no_credentials(tmp_path, monkeypatch):
    with S3Server(anonymous=True) as server:
        for name, value in server.environment.items():
            if "KEY" not in name:
                monkeypatch.setenv(name, value)
        server.put("music", "p/x.wav", b"x")
        fetch(server, tmp_path / "m", anonymous=True)
    assert files(tmp_path / "m") == {"x.wav": b"x"}


def test_no_bucket_and_no_server_are_told_apart(server, tmp_path):
    with pytest.raises(StoreError, match="NoSuchBucket"):
        fetch(server, tmp_path / "m", "s3://nowhere/p")
    with S3Server() as gone:
        pass
    with pytest.raises(StoreError, match="is the endpoint right, and up"):
        fetch(gone, tmp_path / "n")
