"""A listing says what a folder holds, in one order, following no link and opening nothing that is not a file."""

import hashlib
import os

import pytest

from padstal.ingest.config import FolderSource, SynthSource
from padstal.ingest.listing import scan, walk


def test_files_are_listed_by_name_with_length_and_digest(tmp_path):
    (tmp_path / "music" / "b").mkdir(parents=True)
    (tmp_path / "music" / "b" / "two.wav").write_bytes(b"two")
    (tmp_path / "music" / "a.wav").write_bytes(b"one")
    (tmp_path / "music" / ".hidden").write_bytes(b"no")
    sources = [
        FolderSource(kind="folder", path="music"),
        SynthSource(kind="synth", tracks=8, track_seconds=2.0, seed=1),
    ]
    listing = scan(sources, root=tmp_path)
    assert listing["sources"][1] == sources[1].model_dump()
    assert listing["sources"][0]["files"] == [
        {"path": "a.wav", "bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()},
        {"path": "b/two.wav", "bytes": 3, "sha256": hashlib.sha256(b"two").hexdigest()},
    ]


def test_links_pipes_and_names_that_are_not_utf8_are_listed_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"x")
    music = tmp_path / "music"
    music.mkdir()
    (music / "file.wav").symlink_to(outside / "secret.wav")
    os.mkfifo(music / "pipe.wav")
    with open(os.fsencode(music) + b"/\xff\xfe.wav", "wb") as file:
        file.write(b"y")
    found = {item.printable: item.regular for item in walk(music).files}
    assert found == {"file.wav": False, "pipe.wav": False, "\\xff\\xfe.wav": True}
    entries = scan([FolderSource(kind="folder", path="music")], root=tmp_path)["sources"][0]["files"]
    assert [entry["path"] for entry in entries if entry["sha256"]] == ["\\xff\\xfe.wav"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        scan([FolderSource(kind="folder", path="nowhere")], root=tmp_path)


def test_folders_that_are_passed_over_are_named_and_can_be_read(tmp_path):
    music, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    for path in (music / "a.wav", music / ".old" / "b.wav", music / ".c.wav", music / ".notes", elsewhere / "d.wav"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (music / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(music)
    found = walk(music)
    assert [item.path for item in found.files] == ["a.wav"]
    assert found.passed_over == {".old": "hidden", ".c.wav": "hidden", "linked": "linked_folder"}
    found = walk(music, linked_folders=True, hidden=True)
    assert [item.path for item in found.files] == [".c.wav", ".notes", ".old/b.wav", "a.wav", "linked/d.wav"]
    assert found.passed_over == {"linked/back": "linked_folder"}, "a folder is read once, so no loop is followed"


@pytest.mark.parametrize("linked_folders", [False, True])
def test_a_link_to_what_is_not_there_is_passed_over_unless_it_is_named_as_audio(tmp_path, linked_folders):
    for name in ("drive", "b.wav", ".lock"):
        (tmp_path / name).symlink_to("/nowhere/music")
    (tmp_path / "notes").write_bytes(b"x")
    (tmp_path / "more").symlink_to("notes")
    found = walk(tmp_path, linked_folders=linked_folders)
    assert [(item.path, item.regular) for item in found.files] == [("b.wav", False), ("more", False), ("notes", True)]
    assert found.passed_over == {"drive": "dead_link"}


def test_a_folder_that_may_be_listed_and_not_entered_is_named(tmp_path, monkeypatch):
    (tmp_path / "shut" / "in").mkdir(parents=True)
    (tmp_path / "shut" / "a.wav").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode == os.X_OK and str(path).endswith("shut")))
    assert (walk(tmp_path).files, walk(tmp_path).passed_over) == ([], {"shut": "unreadable_folder"})


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "music" / "shut").mkdir(parents=True)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert walk(tmp_path / "music").passed_over == {"shut": "unreadable_folder"}
