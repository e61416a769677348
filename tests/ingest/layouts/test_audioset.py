"""AudioSet: three lines of comment, quoted labels, ids that begin with anything, audio named in several ways."""

import json

import pytest
from tests.ingest.layouts.published import AUDIOSET_COMMENTS, AUDIOSET_LABELS, lay_out

from padstal.ingest import rejection
from padstal.ingest.layouts import audioset

ROWS = (
    '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00125"\n'
    'YbcdefghijK, 0.000, 10.000, "/m/04rlf"\n'
    '-0RWZT-mi_s, 420.000, 430.000, "/m/04rlf"\n'
)


def tree(rows=ROWS, audio=(), comments=AUDIOSET_COMMENTS, **more):
    tables = {"balanced_train_segments.csv": (comments + rows).encode(), "class_labels_indices.csv": AUDIOSET_LABELS}
    return {**tables, **dict.fromkeys(audio, b""), **more}


@pytest.mark.parametrize(
    "path",
    [
        "--PJHxphWEs.wav",
        "audio/Y--PJHxphWEs.wav",
        "a/b/--PJHxphWEs_30.000.flac",
        "--PJHxphWEs_30.000_40.000.m4a",
        "Y--PJHxphWEs_30_40.ogg",
        "--PJHxphWEs_30000_40000.mp3",
        "--PJHxphWEs_30.0-40.0.wav",
        "--PJHxphWEs-30.000-40.000.wav",
        "Y--PJHxphWEs-30.wav",
        "A title, 12-2 [--PJHxphWEs].m4a",
        "A title---PJHxphWEs.m4a",
        "A title [--PJHxphWEs]_30.0.m4a",
        "12-2_30-40---PJHxphWEs_30_40.m4a",
        "--PJHxphWEs 30.000 40.000.wav",
        "--PJHxphWEs.30s~40s.wav",
        "--PJHxphWEs_(30-40)_mono.wav",
        "--PJHxphWEs__30.000_40.000_16k.wav",
        "--PJHxphWEs.f140.m4a",
    ],
)
def test_audio_is_found_under_each_name_with_its_labels(tmp_path, path):
    table = audioset.read(tmp_path, lay_out(tmp_path, tree(audio=[path])))
    assert table.rows[path].tags == "Speech, Inside, small room"
    assert table.rows[path].source_url == "https://www.youtube.com/watch?v=--PJHxphWEs"
    assert table.rows[path].licence == ""
    assert [name for name, reason, _ in table.refused if reason == rejection.MISSING] == ["YbcdefghijK", "-0RWZT-mi_s"]


def test_an_id_may_begin_with_y_and_hold_an_underscore(tmp_path):
    audio = ["YbcdefghijK.wav", "-0RWZT-mi_s_420.000.wav"]
    table = audioset.read(tmp_path, lay_out(tmp_path, tree(audio=[*audio, "sub/YYbcdefghijK.wav"])))
    assert set(table.rows) == {*audio, "sub/YYbcdefghijK.wav"}


def test_another_stretch_of_a_video_is_not_the_rows(tmp_path):
    table = audioset.read(tmp_path, lay_out(tmp_path, tree(audio=["--PJHxphWEs_50.000_60.000.wav"])))
    assert table.rows == {}
    assert len(table.refused) == 3
    assert "no row of" in table.no_licence("--PJHxphWEs_50.000_60.000.wav")


def test_labels_may_be_named_by_the_ontology_and_lists_are_read_together(tmp_path):
    ontology = json.dumps([{"id": "/m/04rlf", "name": "Music", "child_ids": []}, {"id": "/m/09x0r", "name": "Speech"}])
    files = tree('YbcdefghijK, 0.000, 10.000, "/m/04rlf"\n', ["YbcdefghijK.wav", "--PJHxphWEs.wav"])
    del files["class_labels_indices.csv"]
    files["ontology.json"] = ontology.encode()
    files["eval_segments.csv"] = (AUDIOSET_COMMENTS + '--PJHxphWEs, 30.000, 40.000, "/m/09x0r"\n').encode()
    table = audioset.read(tmp_path, lay_out(tmp_path, files))
    assert {path: row.tags for path, row in table.rows.items()} == {
        "YbcdefghijK.wav": "Music",
        "--PJHxphWEs.wav": "Speech",
    }


@pytest.mark.parametrize(
    "row",
    [
        '--PJHxphWEs, 30.000, 40.000, "/m/nothing"\n',
        '--PJHxphWEs, 40.000, 30.000, "/m/04rlf"\n',
        '--PJHxphWEs, nan, 30.000, "/m/04rlf"\n',
        '--PJHxphWEs, 0, inf, "/m/04rlf"\n',
        '--PJHxphWEs, x, 30.000, "/m/04rlf"\n',
        "--PJHxphWEs, 30.000, 40.000, /m/04rlf,/m/09x0r\n",
        '--PJHxphWEs, 30.000, 40.000, ""\n',
    ],
)
def test_a_bad_row_is_named_and_its_audio_has_no_licence(tmp_path, row):
    table = audioset.read(tmp_path, lay_out(tmp_path, tree(row, ["--PJHxphWEs.wav"])))
    assert [(name, reason) for name, reason, _ in table.refused] == [("--PJHxphWEs", rejection.MALFORMED)]
    assert "--PJHxphWEs.wav" in table.barred


def test_an_id_that_is_none_is_named(tmp_path):
    table = audioset.read(tmp_path, lay_out(tmp_path, tree('../../../x, 1, 2, "/m/04rlf"\n')))
    assert [(name, reason) for name, reason, _ in table.refused] == [("../../../x", rejection.MALFORMED)]


@pytest.mark.parametrize("comments", ["", "# YTID, start_seconds, end_seconds, positive_labels\n", "a\nb\nc\n"])
def test_a_list_without_its_comments_is_named(tmp_path, comments):
    with pytest.raises(ValueError, match="three lines of comment"):
        audioset.read(tmp_path, lay_out(tmp_path, tree(comments=comments)))


def test_missing_tables_are_named(tmp_path):
    files = lay_out(tmp_path, tree())
    with pytest.raises(FileNotFoundError, match="balanced_train_segments"):
        audioset.read(tmp_path, ["class_labels_indices.csv"])
    with pytest.raises(FileNotFoundError, match=r"ontology\.json"):
        audioset.read(tmp_path, [path for path in files if "labels" not in path])
    with pytest.raises(ValueError, match="id and name"):
        audioset.read(tmp_path, lay_out(tmp_path, tree(**{"ontology.json": b'{"id": 1}'})))
