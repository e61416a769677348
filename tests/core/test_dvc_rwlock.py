"""Paths in use are those that DVC itself writes down, as long as their processes live."""

import json
import os
from pathlib import Path

import pytest
from dvc.rwlock import rwlock

from padstal.core.dvc_rwlock import PathInUse, paths_in_use, rwlock_fault


def test_what_dvc_writes_down_is_read(tmp_path: Path) -> None:
    from dvc.fs import LocalFileSystem

    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    written, read = str(tmp_path / "out"), str(tmp_path / "dep")
    with rwlock(str(tmp_path / ".dvc" / "tmp"), LocalFileSystem(), "dvc repro", [read], [written], False):
        assert paths_in_use(tmp_path) == [
            PathInUse(written, os.getpid(), "dvc repro", True),
            PathInUse(read, os.getpid(), "dvc repro", False),
        ]
        assert rwlock_fault(tmp_path) == ""
    assert paths_in_use(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "faulty"),
    [("", True), ("{", True), ("[]", True), ('{"write": 3}', False), ('{"read": {"/x": [{"cmd": "y"}]}}', False)],
)
def test_what_cannot_be_read_names_none(tmp_path: Path, text: str, faulty: bool) -> None:
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(text)
    assert paths_in_use(tmp_path) == []
    assert bool(rwlock_fault(tmp_path)) == faulty


def test_a_dead_process_uses_nothing(tmp_path: Path) -> None:
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    content = {"write": {"/x": {"pid": 2**22 + 1, "cmd": "dvc repro"}}}
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(content))
    assert paths_in_use(tmp_path) == []
