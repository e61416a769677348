"""DVC's S3 remote against the test server: whole pushes, killed pushes, rot, expired credentials, a busy store."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ingest.s3.s3_server import S3Server
from tests.operations.integrity.kept import Kept, check, make

from padstal.commands.transfer import run
from padstal.operations.integrity.remotes import read_config, remote_of

pytestmark = pytest.mark.slow

PIPELINE = """\
stages:
  make_folder_0:
    cmd: make folder_0
    outs: [folder_0]
"""
CONFIG = """\
[core]
    analytics = false
    remote = store
['remote "store"']
    url = s3://music/cache
    endpointurl = {url}
    verify = true
"""


@pytest.fixture
def repository(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], Kept]:
    """Makes a repository with one folder of files, of so many bytes at most, and the bucket as its remote."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))

    def build(files: int, longest: int) -> Kept:
        kept = make(tmp_path / "repository", files=0, folders=1, in_folder=files, longest=longest)
        (kept.root / "dvc.yaml").write_text(PIPELINE)
        (kept.root / "params.yaml").write_text("scale: demo\n")
        (kept.root / ".dvc" / "config").write_text(CONFIG.format(url=server.url))
        return kept

    return build


def _whole(kept: Kept) -> bool:
    return all((kept.root / path).read_bytes() == kept.objects[oid] for path, oid in kept.files.items())


def _forget(kept: Kept) -> None:
    """As in a fresh clone."""
    shutil.rmtree(kept.cache.base)
    shutil.rmtree(kept.root / "folder_0", ignore_errors=True)


def _intact(server: S3Server) -> None:
    """Every object of the bucket has the bytes that its name says."""
    for key, item in list(server.bucket("music").items()):  # of a client that died, a last request may still come in
        if "/files/md5/" in key:
            name = key.partition("/files/md5/")[2].replace("/", "").removesuffix(".dir")
            assert hashlib.md5(item.content).hexdigest() == name


def test_what_was_pushed_is_pulled_and_rot_is_refused_by_name(
    server: S3Server, repository: Callable[[int, int], Kept], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = repository(4, 3 * 2**20)
    assert run(kept.root, "push") == 0
    _intact(server)
    held = server.bucket("music")
    assert sorted(item.content for item in held.values()) == sorted(kept.objects.values())
    _forget(kept)
    assert run(kept.root, "pull") == 0
    assert _whole(kept)

    path, oid = next(iter(kept.files.items()))
    rotten = f"cache/files/md5/{oid[:2]}/{oid[2:]}"
    server.put("music", rotten, b"other bytes")
    good = Kept(tmp_path / "good", kept.objects, kept.files, kept.stages)
    shutil.copytree(kept.root, good.root)
    _forget(kept)
    capfd.readouterr()
    assert run(kept.root, "pull") == 1
    said = capfd.readouterr().out
    assert f"{path} (make_folder_0): refused: remote store" in said
    assert f"files/md5/{oid[:2]}/{oid[2:]}" in said
    assert "`padstal fsck --remote --repair`" in said
    assert "`dvc repro -s -f make_folder_0`" in said
    assert not (kept.root / path).exists()

    assert check(good, remote_of(read_config(good.root)), repair=True).clean
    assert held[rotten].content == kept.objects[oid]
    assert [item.content for key, item in held.items() if "quarantine/" in key] == [b"other bytes"]
    assert run(kept.root, "pull") == 0
    assert _whole(kept)


def test_a_push_that_was_killed_is_completed_by_the_next(
    server: S3Server, repository: Callable[[int, int], Kept]
) -> None:
    kept = repository(60, 20_000)
    command = [sys.executable, "-m", "dvc", "push", "-q", "--jobs", "1"]
    push = subprocess.Popen(command, cwd=kept.root, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while server.count("PutObject") < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    held = server.bucket("music")
    assert 0 < len(held) < 61, "the kill came too early or too late to tell anything"
    assert not any(key.endswith(".dir") for key in list(held)), "a folder's list arrives after its files"
    _intact(server)
    assert run(kept.root, "push") == 0
    assert len(held) == len(kept.objects)
    _intact(server)


def test_expired_credentials_are_said_at_once(
    server: S3Server, repository: Callable[[int, int], Kept], capfd: pytest.CaptureFixture[str]
) -> None:
    kept = repository(3, 1000)
    server.fault("expired", operation="", times=10**6)
    with pytest.raises(ValueError, match=r"remote store: refused: The provided token has expired.*AWS_SESSION_TOKEN"):
        run(kept.root, "push")
    assert "again in" not in capfd.readouterr().err


def test_a_busy_store_is_asked_again(
    server: S3Server, repository: Callable[[int, int], Kept], capfd: pytest.CaptureFixture[str]
) -> None:
    kept = repository(3, 1000)
    server.fault("slow_down", operation="", times=8)  # more than DVC's own patience
    assert run(kept.root, "push", first_wait_seconds=0.1) == 0
    assert "again in" in capfd.readouterr().err
    _intact(server)
    assert len(server.bucket("music")) == len(kept.objects)


def test_a_file_that_went_from_a_pushed_folder_is_sent_again_though_dvc_takes_the_folder_for_whole(
    server: S3Server, repository: Callable[[int, int], Kept]
) -> None:
    kept = repository(2, 1000)
    assert run(kept.root, "push") == 0
    oid = next(iter(kept.files.values()))
    held = server.bucket("music")
    del held[f"cache/files/md5/{oid[:2]}/{oid[2:]}"]
    assert run(kept.root, "push") == 0
    assert held[f"cache/files/md5/{oid[:2]}/{oid[2:]}"].content == kept.objects[oid]
