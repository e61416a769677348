"""DVC's S3 remote against the test server: whole pushes, killed pushes, rot, expired credentials, a busy store."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.storage.s3_server import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("s3_dvc")]

SRC = Path(__file__).resolve().parents[2] / "src"
DVC = [sys.executable, "-m", "dvc"]
PADSTAL = [sys.executable, "-m", "padstal.cli"]
PIPELINE = "stages:\n  make_data:\n    cmd: make data\n    outs: [data]\n"


def _environment(server: S3Server, root: Path) -> dict[str, str]:
    own = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / ".site"), "PYTHONPATH": str(SRC)}
    return {**os.environ, **server.environment, **own}


def _run(server: S3Server, root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=root, env=_environment(server, root), capture_output=True, text=True, timeout=300
    )


def _make(server: S3Server, root: Path, content: dict[str, bytes]) -> None:
    """A repository whose stage `make_data` made `content` in data/, with the bucket as its remote."""
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text(
        f"[core]\n    remote = store\n    analytics = false\n['remote \"store\"']\n    url = s3://music/cache\n"
        f"    endpointurl = {server.url}\n    verify = true\n"
    )
    (root / "dvc.yaml").write_text(PIPELINE)
    for name, octets in content.items():
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_bytes(octets)
    done = _run(server, root, *DVC, "commit", "-q", "--force")
    assert done.returncode == 0, done.stderr


def _forget(root: Path) -> None:
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(root / "data", ignore_errors=True)


def _intact(server: S3Server) -> None:
    """Every object of the bucket has the bytes that its name says."""
    for key, item in server.bucket("music").items():
        if "/files/md5/" in key:
            name = key.partition("/files/md5/")[2].replace("/", "").removesuffix(".dir")
            assert hashlib.md5(item.content).hexdigest() == name


def test_a_push_and_a_pull_give_the_same_bytes_and_rot_is_refused_by_name(server: S3Server, tmp_path: Path) -> None:
    content = {f"{i}.bin": os.urandom(50_000 + i) for i in range(3)} | {"deep/long.bin": os.urandom(5 * 2**20)}
    _make(server, tmp_path, content)
    pushed = _run(server, tmp_path, *PADSTAL, "push")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    held = server.bucket("music")
    _intact(server)
    objects = [item for key, item in held.items() if "/files/md5/" in key and ".dir" not in key]
    assert sorted(map(len, content.values())) == sorted(len(item.content) for item in objects)
    _forget(tmp_path)
    pulled = _run(server, tmp_path, *PADSTAL, "pull")
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert {name: (tmp_path / "data" / name).read_bytes() for name in content} == content

    rotten = next(key for key, item in held.items() if item.content == content["1.bin"])
    server.put("music", rotten, bytes(50_001))
    good = tmp_path.with_name("good")
    shutil.copytree(tmp_path, good, symlinks=True)
    _forget(tmp_path)
    refused = _run(server, tmp_path, *PADSTAL, "pull")
    assert refused.returncode == 1
    assert "data/1.bin (make_data): refused" in refused.stdout
    assert rotten.partition("/")[2] in refused.stdout
    assert "`padstal fsck --remote --repair`" in refused.stdout
    assert "`dvc repro -s -f make_data`" in refused.stdout
    assert not (tmp_path / "data" / "1.bin").exists()

    mended = _run(server, good, *PADSTAL, "fsck", "--remote", "--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert held[rotten].content == content["1.bin"]
    assert any("quarantine/" in key and item.content == bytes(50_001) for key, item in held.items())
    pulled = _run(server, tmp_path, *PADSTAL, "pull")
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert (tmp_path / "data" / "1.bin").read_bytes() == content["1.bin"]


def test_a_push_that_was_killed_is_completed_by_the_next(server: S3Server, tmp_path: Path) -> None:
    content = {f"{i}.bin": os.urandom(20_000 + i) for i in range(60)}
    _make(server, tmp_path, content)
    push = subprocess.Popen(
        [*DVC, "push", "-q", "--jobs", "1"],
        cwd=tmp_path,
        env=_environment(server, tmp_path),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while server.count("PutObject") < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    held = server.bucket("music")
    assert 0 < len(held) < 61, "the kill came too early or too late to tell anything"
    assert not any(key.endswith(".dir") for key in held), "a folder's list arrives after its files"
    _intact(server)
    again = _run(server, tmp_path, *PADSTAL, "push")
    assert again.returncode == 0, again.stdout + again.stderr
    _intact(server)
    _forget(tmp_path)
    assert _run(server, tmp_path, *PADSTAL, "pull").returncode == 0
    assert {name: (tmp_path / "data" / name).read_bytes() for name in content} == content


def test_a_store_that_is_busy_is_asked_again_and_credentials_that_expired_are_not(
    server: S3Server, tmp_path: Path
) -> None:
    content = {f"{i}.bin": os.urandom(1000 + i) for i in range(5)}
    _make(server, tmp_path, content)
    server.fault("expired", operation="", times=10**6)
    started = time.monotonic()
    refused = _run(server, tmp_path, *PADSTAL, "push")
    assert refused.returncode == 1
    assert "ExpiredToken" in refused.stderr
    assert "AWS_SESSION_TOKEN" in refused.stderr
    assert "again in" not in refused.stderr, "asking again does not help"
    assert "Traceback" not in refused.stderr
    assert time.monotonic() - started < 60
    server.faults.clear()
    assert _run(server, tmp_path, *PADSTAL, "push").returncode == 0

    _forget(tmp_path)
    server.fault("slow_down", operation="", times=16)  # more than DVC's own patience
    pulled = _run(server, tmp_path, *PADSTAL, "pull")
    assert "again in" in pulled.stderr
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert {name: (tmp_path / "data" / name).read_bytes() for name in content} == content


def test_a_file_that_went_from_a_pushed_folder_is_noticed_though_dvc_remembers_it(
    server: S3Server, tmp_path: Path
) -> None:
    _make(server, tmp_path, {"a.bin": b"a" * 1000, "b.bin": b"b" * 1000})
    assert _run(server, tmp_path, *PADSTAL, "push").returncode == 0
    held = server.bucket("music")
    gone = next(key for key, item in held.items() if item.content == b"a" * 1000)
    del held[gone]
    pushed = _run(server, tmp_path, *PADSTAL, "push")
    if pushed.returncode == 1:
        assert "data/a.bin" in pushed.stdout
        assert _run(server, tmp_path, *PADSTAL, "fsck", "--remote", "--repair").returncode == 0
    assert held[gone].content == b"a" * 1000
