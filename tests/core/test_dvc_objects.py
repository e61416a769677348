"""A record and `dvc.lock` name the same bytes by the same hash."""

from pathlib import Path

import pytest

from padstal.core.dvc_objects import content_of


def _folder(root: Path) -> Path:
    folder = root / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("two")
    (folder / "B.txt").write_text("one")
    (folder / "deep" / "ü.txt").write_text("three")
    return folder


def test_a_folder_has_the_address_that_dvc_gives_it(tmp_path: Path) -> None:
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    folder = _folder(tmp_path)
    files = LocalFileSystem()
    _, _, tree = build(HashFileDB(files, str(tmp_path / "cache")), str(folder), files, "md5")
    assert content_of(folder).md5 == tree.hash_info.value


def test_a_file_has_the_md5_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"hello")
    content = content_of(file)
    assert content.md5 == "5d41402abc4b2a76b9719d911017c592"
    assert (content.files, content.bytes) == (1, 5)


def test_an_edit_of_one_byte_changes_the_address(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    before = content_of(folder).md5
    (folder / "deep" / "ü.txt").write_text("thref")
    assert content_of(folder).md5 != before


def test_nothing_at_the_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        content_of(tmp_path / "absent")
