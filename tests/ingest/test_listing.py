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
    (music / "link").symlink_to(outside)
    (music / "file.wav").symlink_to(outside / "secret.wav")
    os.mkfifo(music / "pipe.wav")
    with open(os.fsencode(music) + b"/\xff\xfe.wav", "wb") as file:
        file.write(b"y")
    found = {item.printable: item.regular for item in walk(music)}
    assert found == {"link": False, "file.wav": False, "pipe.wav": False, "\\xff\\xfe.wav": True}
    entries = scan([FolderSource(kind="folder", path="music")], root=tmp_path)["sources"][0]["files"]
    assert [entry["path"] for entry in entries if entry["sha256"]] == ["\\xff\\xfe.wav"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        scan([FolderSource(kind="folder", path="nowhere")], root=tmp_path)
