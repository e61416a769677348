"""What DVC itself made is clean to fsck, and what fsck repaired is up to date to DVC."""

import subprocess
from pathlib import Path

import pytest
from tests.flows.tiny import DVC, make_repo
from tests.operations.integrity.kept import Kept, check, rot

from padstal.operations.integrity.remotes import read_config, remote_of

pytestmark = pytest.mark.slow

PIPELINE = """\
stages:
  first:
    cmd: mkdir -p folder/deep && echo 1 > folder/a && echo 2 > folder/deep/ü && echo '{"x":1e-05}' > metric.json
    deps: [stage.py]
    outs: [folder]
    metrics:
      - metric.json: {cache: false}
  second:
    cmd: cat folder/a > last
    deps: [folder]
    outs: [last]
"""


def _dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run([*DVC, *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_file_that_dvc_keeps_can_rot_and_come_back(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "repository", PIPELINE)
    _dvc(root, "remote", "add", "-q", "-d", "local", "../remote")
    _dvc(root, "repro", "-q")
    _dvc(root, "push", "-q", "--run-cache")
    kept = Kept(root)
    remote = remote_of(read_config(root))
    report = check(kept, remote)
    assert report.clean
    assert not [finding for finding in report.findings if finding.fault != "note"]
    entries = sorted(file for file in Path(kept.cache.base, "files").rglob("*") if file.is_file())
    before = {file: file.read_bytes() for file in entries}
    for file in entries:
        rot(file, bytes([before[file][0] ^ 1]) + before[file][1:])
    found = check(kept, remote)
    assert len([finding for finding in found.findings if finding.fault == "corrupt"]) == len(entries)
    assert check(kept, remote, repair=True).clean
    assert check(kept, remote).clean
    assert {file: file.read_bytes() for file in entries} == before
    assert "up to date" in _dvc(root, "status")
