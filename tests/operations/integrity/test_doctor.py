"""`padstal doctor` says what the DVC remote lacks of what dvc.lock names, in bounded time."""

import time
from pathlib import Path

import pytest
from tests.ingest.s3.s3_server import S3Server
from tests.operations.integrity.kept import Kept, file_of, fill, make

from padstal.commands import doctor
from padstal.commands.doctor import Finding, remote_findings
from padstal.core.dvc_objects import key_of

S3 = "['remote \"store\"']\n    url = s3://music/cache\n    endpointurl = {url}\n"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    repository = make(tmp_path / "repository", files=3, folders=2, in_folder=20)
    fill(repository, repository.remote, tmp_path / "temporary")
    return repository


def _one(kept: Kept, name: str = "") -> Finding:
    [finding] = remote_findings(kept.root, name)
    return finding


def _serve(kept: Kept, server: S3Server) -> None:
    with (kept.root / ".dvc" / "config").open("a") as config:
        config.write(S3.format(url=server.url))


def test_a_whole_remote_is_ok(kept: Kept) -> None:
    assert _one(kept) == Finding("DVC remote's objects", "ok", f"all {len(kept.objects)} that dvc.lock names")


def test_what_is_missing_is_counted_and_named_with_its_stage(kept: Kept) -> None:
    oid = kept.files["file_1"]
    file_of(kept.remote, oid).unlink()
    found = _one(kept)
    assert found.mark == "note"
    assert f"lacks 1 of {len(kept.objects)} that dvc.lock names: file_1 (make_file_1)" in found.found
    assert "`padstal push` sends them" in found.found
    file_of(kept.cache, oid).unlink()
    assert "1 are not in this cache either: `dvc repro` of make_file_1" in _one(kept).found


def test_no_remote_no_lock_and_a_torn_lock_are_said(kept: Kept) -> None:
    lock = kept.root / "dvc.lock"
    lock.write_bytes(b"")
    assert _one(kept).found == "dvc.lock: empty; `padstal fsck --repair` mends it"
    lock.unlink()
    assert "no dvc.lock yet" in _one(kept).found
    (kept.root / ".dvc" / "config").write_text("")
    assert list(remote_findings(kept.root, "")) == []


@pytest.mark.slow
def test_a_bucket_is_listed_and_not_asked_for_each_object(kept: Kept, server: S3Server) -> None:
    _serve(kept, server)
    found = _one(kept, "store")
    assert f"lacks {len(kept.objects)} of {len(kept.objects)}" in found.found
    for oid, content in kept.objects.items():
        server.put("music", f"cache/{key_of(oid)}", content)
    server.requests.clear()
    assert _one(kept, "store").mark == "ok"
    assert [request.operation for request in server.requests] == ["ListObjectsV2"]


def test_a_long_listing_is_read_by_folders(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server(page=5) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        _serve(kept, server)
        for oid, content in kept.objects.items():
            server.put("music", f"cache/{key_of(oid)}", content)
        assert _one(kept, "store").mark == "ok"


def test_without_credentials_it_says_what_to_set(kept: Kept, server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(kept, server)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = _one(kept, "store")
    assert found.mark == "missing"
    assert "AWS_ACCESS_KEY_ID" in found.found
    assert "`dvc remote modify --local store access_key_id" in found.found


def test_credentials_of_the_remote_itself_are_used(
    kept: Kept, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(kept, server)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (kept.root / ".dvc" / "config.local").write_text(
        f"['remote \"store\"']\n    access_key_id = {server.access_key}\n    secret_access_key = {server.secret_key}\n"
    )
    assert "lacks" in _one(kept, "store").found


def test_a_store_that_does_not_answer_does_not_hold_it_up(
    kept: Kept, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(kept, server)
    monkeypatch.setattr(doctor, "DOCTOR_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(doctor, "REMOTE_SECONDS", 1.0)
    server.fault("stall", operation="ListObjectsV2", times=100)
    started = time.monotonic()
    assert _one(kept, "store").mark in ("missing", "note")
    assert time.monotonic() - started < 5
