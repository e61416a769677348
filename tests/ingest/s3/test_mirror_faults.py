"""Whatever goes wrong on the way, an object arrives whole and checked, or is named; no part of it bears its name."""

import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.s3.mirrored import fetch, files, parts

from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.mirror_index import STATE, Index

MIB = 2**20


def _check(folder: Path, key: str) -> str:
    return Index(folder).entries[key].check


@pytest.mark.parametrize("kind", ["cut", "reset", "stall"])
def test_an_object_whose_line_breaks_is_fetched_again(server, tmp_path, kind):
    content = os.urandom(3 * MIB)
    server.put("music", "p/x.wav", content)
    server.fault(kind, at_byte=MIB)
    assert fetch(server, tmp_path / "m", timeout_seconds=0.3).failed == {}
    assert files(tmp_path / "m") == {"x.wav": content}
    assert parts(tmp_path / "m") == {}
    assert server.count("GetObject") == 2


def test_a_line_that_always_breaks_is_tried_a_bounded_number_of_times(server, tmp_path):
    server.put("music", "p/x.wav", os.urandom(2 * MIB))
    server.put("music", "p/y.wav", b"y")
    server.fault("cut", key="p/x.wav", at_byte=MIB, times=10**6)
    done = fetch(server, tmp_path / "m", attempts=3, max_failed_share=0.5)
    assert "3 attempts, the last: IncompleteReadError" in done.failed["x.wav"]
    assert files(tmp_path / "m") == {"y.wav": b"y"}
    assert parts(tmp_path / "m") == {}


@pytest.mark.parametrize("kind", ["slow_down", "internal"])
@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_a_storm_passes(server, tmp_path, kind, operation):
    content = {f"{i}.wav": os.urandom(100) for i in range(10)}
    for key, octets in content.items():
        server.put("music", f"p/{key}", octets)
    server.fault(kind, operation=operation, times=3)
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == content


def test_a_store_that_stays_busy_is_asked_a_bounded_number_of_times(server, tmp_path):
    server.put("music", "p/x.wav", b"x")
    server.fault("slow_down", times=10**6)
    with pytest.raises(StoreError, match=r"1 objects failed.*'x.wav': .*SlowDown \(HTTP 503\)"):
        fetch(server, tmp_path / "m", attempts=4)
    assert server.count("GetObject") == 4


@pytest.mark.parametrize("kind", ["cut", "half_page"])
def test_half_a_page_of_a_listing_is_no_listing(server, tmp_path, kind):
    for i in range(15):
        server.put("music", f"p/{i:02d}.wav", bytes([i]))
    server.fault(kind, operation="ListObjectsV2", at_byte=700, after=1)
    assert fetch(server, tmp_path / "m").fetched == 15
    assert server.count("ListObjectsV2") == 4


def _ways_to_put(length: int) -> dict[str, tuple[dict[str, Any], str]]:
    """How objects are put, and the check that this allows."""
    odd = [length // 2, length // 7, length - length // 2 - length // 7]
    return {
        "plain": ({}, "etag_md5"),
        "sha256": ({"checksum": "sha256"}, "checksum"),
        "crc32": ({"checksum": "crc32"}, "checksum"),
        "sha1": ({"checksum": "sha1"}, "checksum"),
        "parts": ({"part_bytes": odd, "checksum": "crc32"}, "checksum"),
    }


@pytest.mark.parametrize("length", [1000, pytest.param(9 * MIB, marks=pytest.mark.slow)])
def test_one_wrong_bit_is_seen_by_every_check(server, tmp_path, length):
    ways = _ways_to_put(length)
    content = {key: os.urandom(length) for key in ways}
    for key, (how, _) in ways.items():
        server.put("music", f"p/{key}", content[key], **how)
        server.fault("flip", key=f"p/{key}", at_byte=length - 3)
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == content
    assert server.count("GetObject") == 2 * len(ways)
    assert {key: _check(tmp_path / "m", key) for key in ways} == {key: check for key, (_, check) in ways.items()}
    for key, (how, _) in ways.items():
        server.put("music", f"p/{key}", content[key][::-1], **how)
    server.fault("flip", at_byte=length - 3, times=10**6)
    done = fetch(server, tmp_path / "m", max_failed_share=1.0, attempts=2)
    assert set(done.failed) == set(ways)
    assert all(why.startswith("2 attempts, the last: ") for why in done.failed.values())
    assert files(tmp_path / "m") == {}
    assert parts(tmp_path / "m") == {}


def test_a_run_that_fails_keeps_what_was_there(server, tmp_path):
    server.put("music", "p/x.wav", b"old")
    server.put("music", "p/y.wav", b"goes")
    fetch(server, tmp_path / "m")
    server.put("music", "p/x.wav", b"new")
    del server.bucket("music")["p/y.wav"]
    server.fault("flip", at_byte=1, times=10**6)
    with pytest.raises(StoreError, match="CorruptError"):
        fetch(server, tmp_path / "m", attempts=2)
    assert files(tmp_path / "m") == {"x.wav": b"old", "y.wav": b"goes"}


def test_a_checksum_that_is_wrong_itself_is_asked_for_again(server, tmp_path):
    server.put("music", "p/x.wav", b"x" * 100, checksum="sha256")
    server.fault("wrong_checksum")
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == {"x.wav": b"x" * 100}
    assert server.count("GetObject") == 2


def test_bytes_that_are_rotten_in_the_store_are_never_taken(server, tmp_path):
    """The store's own ETag does not find it: it is of the rotten bytes; the manifest's digest does."""
    server.put("music", "p/x.wav", b"rotten")
    digest = hashlib.sha256(b"sound").hexdigest()
    server.put("music", "p/wanted.csv", f"key,sha256\nx.wav,{digest}\n".encode())
    with pytest.raises(StoreError, match="the manifest's is"):
        fetch(server, tmp_path / "m", manifest="wanted.csv")
    assert files(tmp_path / "m") == {}
    server.put("music", "p/x.wav", b"sound")
    fetch(server, tmp_path / "m", manifest="wanted.csv")
    assert _check(tmp_path / "m", "x.wav") == "manifest_sha256"


def test_an_object_put_in_parts_without_a_checksum_is_said_to_be_checked_by_length_alone(server, tmp_path):
    content = os.urandom(3 * MIB)
    server.put("music", "p/parts.wav", content, part_bytes=MIB)
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == {"parts.wav": content}
    assert _check(tmp_path / "m", "parts.wav") == "length"


@pytest.mark.parametrize("length", [40_000, 2 * MIB])
def test_an_object_that_changes_while_it_is_read_is_read_anew(server, tmp_path, length):
    new = os.urandom(length)
    server.put("music", "p/x.wav", os.urandom(length))
    server.fault("replace", at_byte=length // 2, content=new)
    fetch(server, tmp_path / "m")
    assert files(tmp_path / "m") == {"x.wav": new}
    done = fetch(server, tmp_path / "m")
    assert done.kept == 1


def test_an_object_that_goes_while_it_is_read_is_named(server, tmp_path):
    server.put("music", "p/x.wav", bytes(40_000))
    server.put("music", "p/y.wav", b"y")
    server.fault("remove", at_byte=10_000, key="p/x.wav")
    done = fetch(server, tmp_path / "m", max_failed_share=0.5)
    assert done.failed == {"x.wav": "gone since it was listed"}
    assert files(tmp_path / "m") == {"y.wav": b"y"}


def test_credentials_that_expire_end_the_run_at_once_and_the_next_goes_on(server, tmp_path):
    content = {f"{i:03d}.wav": os.urandom(100) for i in range(60)}
    for key, octets in content.items():
        server.put("music", f"p/{key}", octets)
    server.fault("expired", after=20, times=10**6)
    with pytest.raises(StoreError, match=r"ExpiredToken.*AWS_SESSION_TOKEN"):
        fetch(server, tmp_path / "m", max_failed_share=1.0)
    assert server.count("GetObject") <= 20 + 4 * 2
    came = files(tmp_path / "m")
    assert 20 - 4 < len(came) <= 20, "what was under way elsewhere may be left"
    server.faults.clear()
    done = fetch(server, tmp_path / "m")
    assert (done.fetched, done.kept) == (60 - len(came), len(came))
    assert files(tmp_path / "m") == content


def test_one_object_that_is_denied_is_named_and_many_are_an_error_about_rights(server, tmp_path):
    for i in range(10):
        server.put("music", f"p/{i}.wav", bytes([i]))
    server.fault("denied", key="p/3.wav", times=10**6)
    done = fetch(server, tmp_path / "m", max_failed_share=0.1)
    assert set(done.failed) == {"3.wav"}
    assert "AccessDenied" in done.failed["3.wav"]
    assert server.count("GetObject") == 10, "it is not asked for again"
    server.fault("denied", times=10**6)
    with pytest.raises(StoreError, match=r"max_failed_share = 0\.1.*AWS_ACCESS_KEY_ID"):
        fetch(server, tmp_path / "n", max_failed_share=0.1)
    server.fault("denied", operation="ListObjectsV2")
    with pytest.raises(StoreError, match="AccessDenied"):
        fetch(server, tmp_path / "n")


def test_an_object_that_failed_leaves_no_older_version_behind(server, tmp_path):
    for i in range(4):
        server.put("music", f"p/{i}.wav", bytes([i]))
    fetch(server, tmp_path / "m")
    server.put("music", "p/2.wav", b"new")
    server.fault("internal", key="p/2.wav", times=10**6)
    done = fetch(server, tmp_path / "m", max_failed_share=0.25)
    assert set(done.failed) == {"2.wav"}
    assert set(files(tmp_path / "m")) == {"0.wav", "1.wav", "3.wav"}
    server.faults.clear()
    assert fetch(server, tmp_path / "m").fetched == 1


@pytest.mark.slow
def test_at_no_moment_is_a_part_of_a_file_under_its_name(server, tmp_path):
    versions = {f"{i}.wav": (os.urandom(300_000), os.urandom(300_000)) for i in range(8)}
    seen: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for key, octets in files(tmp_path / "m").items() if (tmp_path / "m").exists() else ():
                if octets not in versions[key]:
                    seen.append(key)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for version in range(2):
        for key, both in versions.items():
            server.put("music", f"p/{key}", both[version])
        for kind in ("cut", "reset", "flip") * 4:
            server.fault(kind, at_byte=150_000)
        fetch(server, tmp_path / "m", attempts=20)
    time.sleep(0.05)
    ended.set()
    watcher.join()
    assert seen == []
    assert files(tmp_path / "m") == {key: both[1] for key, both in versions.items()}


def test_it_asks_with_as_many_connections_as_it_was_told_and_keeps_them(server, tmp_path):
    for i in range(30):
        server.put("music", f"p/{i}.wav", bytes(1000))
    fetch(server, tmp_path / "m", connections=3)
    assert len({request.connection for request in server.requests}) <= 3 + 1
    assert json.loads((tmp_path / "m" / STATE / "origin.json").read_text())["endpoint_url"] == server.url


def test_what_a_killed_run_left_is_swept(server, tmp_path):
    server.put("music", "p/x.wav", b"x")
    fetch(server, tmp_path / "m")
    (tmp_path / "m" / STATE / "parts" / "stray").write_bytes(b"?")
    assert fetch(server, tmp_path / "m").kept == 1
    assert parts(tmp_path / "m") == {}


def test_a_full_disk_is_said_and_leaves_nothing_half_written(server, tmp_path, monkeypatch):
    """The kernel's own answer, from a device that is always full."""
    server.put("music", "p/x.wav", os.urandom(MIB))
    fetch(server, tmp_path / "m")
    old = files(tmp_path / "m")
    server.put("music", "p/x.wav", os.urandom(MIB))
    opened = Path.open

    def full(path: Path, *how: Any, **more: Any) -> Any:
        return opened(Path("/dev/full") if path.parent.name == "parts" else path, *how, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match="No space left on device"):
        fetch(server, tmp_path / "m")
    monkeypatch.undo()
    assert files(tmp_path / "m") == old
    assert parts(tmp_path / "m") == {}
