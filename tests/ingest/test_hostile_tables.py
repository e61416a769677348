"""Bad captions tables stop the run with a message, bad rows go to quarantine; no row costs another one its place."""

import re
from pathlib import Path

import pytest
from tests.ingest.encoders import music, pcm, wav
from tests.ingest.hostile_tables import FILES, TABLES, TableKind
from tests.ingest.test_hostile import collected

from padstal.ingest.captions_table import read_captions
from padstal.ingest.rejection import ROW_REASONS


def _folder(tmp_path: Path, kind: TableKind) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for index, name in enumerate(FILES):
        (folder / name).write_bytes(wav(pcm(music(1.2, seed=index))))
    (folder / kind.name).write_bytes(kind.content())
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """The files are the same for every table, so what came of them is known after the first."""
    return tmp_path_factory.mktemp("store")


def test_there_are_many_kinds():
    assert len({kind.name for kind in TABLES}) == len(TABLES) >= 45


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_a_kind_of_table_ends_where_it_must(tmp_path, store, kind):
    given = (_folder(tmp_path, kind), tmp_path / "out", kind.name, 1, store, None)
    if kind.stops:
        with pytest.raises(ValueError, match=re.escape(kind.stops)) as error:
            collected(*given)
        assert len(str(error.value)) < 1000
        return
    found = collected(*given)
    manifest, quarantine = found.manifest.groupby("path").first(), found.quarantine
    of_rows = quarantine[quarantine["reason"].isin(ROW_REASONS)]
    of_files = quarantine[~quarantine["reason"].isin(ROW_REASONS)]
    assert sorted(of_rows["reason"]) == sorted(kind.rows), of_rows.to_dict("records")
    assert dict(zip(of_files["path"], of_files["reason"], strict=True)) == dict(kind.files)
    assert found.files == len(FILES) == found.kept + len(of_files)
    for path, caption in kind.captions.items():
        assert manifest.loc[path, "caption"] == caption
    assert (quarantine["detail"].str.len() < 1000).all()


def test_tags_may_be_a_list(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"path": "a.wav", "tags": ["folk; slow", "sad", null, 7, {"id": 1, "name": "dub"}]}')
    assert read_captions(path, ["a.wav"]).rows["a.wav"].tags == "folk, slow, sad, 7, dub"


def test_a_file_whose_row_cannot_be_read_does_not_get_the_folders_licence(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("path,caption,licence\na.wav,one, two,All rights reserved\nb.wav,x,CC0\n")
    table = read_captions(path, ["a.wav", "b.wav"])
    assert "row 1 about it cannot be read" in table.no_licence("a.wav")
    assert table.rows["b.wav"].licence == "CC0"
