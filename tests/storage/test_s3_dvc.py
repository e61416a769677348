"""DVC's s3 remote works against the test server: a push and a pull, and `verify` refuses what is rotten."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.storage.s3_server import S3Server

DVC = [sys.executable, "-m", "dvc"]


def _dvc(server: S3Server, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **server.environment,
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root / ".site"),
    }
    return subprocess.run([*DVC, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_push_and_a_pull_through_a_bucket_give_the_same_bytes_and_rot_is_refused(server, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    content = {f"data/{i}.bin": os.urandom(50_000 + i) for i in range(3)}
    content["data/long.bin"] = os.urandom(5 * 2**20)
    for name, octets in content.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(octets)
    for arguments in (
        ("init", "-q"),
        ("remote", "add", "-d", "store", "s3://music/cache"),
        ("remote", "modify", "store", "endpointurl", server.url),
        ("remote", "modify", "store", "verify", "true"),
        ("add", "-q", "data"),
        ("push", "-q"),
    ):
        done = _dvc(server, tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
    held = server.bucket("music")
    assert sorted(map(len, content.values())) == sorted(
        len(item.content) for key, item in held.items() if ".dir" not in key
    )
    shutil.rmtree(tmp_path / ".dvc" / "cache")
    shutil.rmtree(tmp_path / "data")
    done = _dvc(server, tmp_path, "pull", "-q")
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / name).read_bytes() for name in content} == content
    rotten = next(key for key, item in held.items() if len(item.content) == 50_001)
    server.put("music", rotten, bytes(50_001))
    shutil.rmtree(tmp_path / ".dvc" / "cache")
    shutil.rmtree(tmp_path / "data")
    assert _dvc(server, tmp_path, "pull", "-q").returncode != 0
    assert not (tmp_path / "data" / "1.bin").exists()
