"""A full or read-only place is said in a sentence before a run begins."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from padstal.core.data import room

Usage = namedtuple("Usage", "total used free")


def test_places_that_can_be_written_are_no_fault_though_they_are_not_there_yet(tmp_path: Path) -> None:
    assert list(room.faults(room.places_written(tmp_path, "demo"))) == []
    assert list(tmp_path.iterdir()) == [], "asking leaves nothing behind"


def test_a_full_disk_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(2**40, 2**40, 3 * 2**20))
    [said, *_] = room.faults([tmp_path / "data" / "demo"])
    assert "3 MiB are free" in said
    assert "data/demo" in said


def test_a_read_only_cache_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "shared-cache"
    cache.mkdir()
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(f"[cache]\n    dir = {cache}\n")
    real = room.tempfile.TemporaryFile

    def refuse(dir: Path) -> object:
        if Path(dir) == cache:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))
        return real(dir=dir)

    monkeypatch.setattr(room.tempfile, "TemporaryFile", refuse)
    [said] = room.faults(room.places_written(tmp_path, "demo"))
    assert str(cache) in said
    assert "Read-only file system" in said
    assert "mount it writable" in said


def test_an_error_in_the_middle_becomes_a_sentence() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/demo/x")
    assert room.said(full).startswith("data/demo/x: the disk or the quota is full; make room")


def test_a_file_where_a_folder_belongs_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".state").write_text("")
    mend = ": a file lies where a folder belongs; move it away, then start again"
    assert list(room.faults(room.places_written(tmp_path, "demo"))) == [f"{tmp_path / '.state/demo'}{mend}"]
    with pytest.raises(OSError, match="exists") as refused:
        (tmp_path / ".state").mkdir(exist_ok=True)
    assert room.said(refused.value).endswith(
        "/.state: a file lies where a folder belongs; move it away, then start again"
    )
    assert refused.value.errno in room.NO_ROOM
