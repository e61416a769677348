"""MagnaTagATune: 188 columns of 0 and 1, names in another table, one licence for all."""

import pytest
from tests.ingest.layouts.published import lay_out, mtt_annotations, mtt_info

from padstal.ingest import rejection
from padstal.ingest.layouts import magnatagatune

BACH, OTHER = "f/american_bach_soloists-heinrich_schutz-01-sonata-0-29.mp3", "0/x-y-02-z-30-59.mp3"
ALBUM = "http://www.magnatune.com/artists/albums/abs-solo/"
TREE = {
    "annotations_final.csv": mtt_annotations([("2", ("singer", "duet"), BACH), ("6", (), OTHER)]),
    "clip_info_final.csv": mtt_info(
        [("2", 'Sonata "la  felice"', "American Bach Soloists", "Cantatas", ALBUM, BACH), ("9", "T", "A", "B", "u", "")]
    ),
    f"mp3/{BACH}": b"",
    OTHER: b"",
}


@pytest.fixture
def table(tmp_path):
    return magnatagatune.read(tmp_path, lay_out(tmp_path, TREE))


def test_tags_are_the_columns_with_a_1_and_names_come_from_the_other_table(table):
    row = table.rows[f"mp3/{BACH}"]
    assert row.tags == "singer, duet"
    assert (row.title, row.artist, row.album) == ('Sonata "la felice"', "American Bach Soloists", "Cantatas")
    assert row.source_url == ALBUM
    assert table.rows[OTHER].tags == ""
    assert table.refused == []


def test_every_clip_has_the_licence_it_was_published_under(table):
    assert {row.licence for row in table.rows.values()} == {"CC-BY-NC-SA-1.0"}


def test_rows_without_audio_or_path_and_bad_values_are_named(tmp_path):
    bad = mtt_annotations([("2", ("singer",), BACH), ("6", (), OTHER), ("7", (), "a/gone.mp3"), ("8", (), "")])
    bad = bad.replace(b'"1"', b'"yes"')
    table = magnatagatune.read(tmp_path, lay_out(tmp_path, {**TREE, "annotations_final.csv": bad}))
    assert [(name, reason) for name, reason, _ in table.refused] == [
        (BACH, rejection.MALFORMED),
        ("a/gone.mp3", rejection.MISSING),
        ("8", rejection.MALFORMED),
    ]
    assert f"mp3/{BACH}" in table.barred


def test_wrong_and_missing_tables_are_named(tmp_path):
    files = lay_out(tmp_path, TREE)
    for name in ("annotations_final.csv", "clip_info_final.csv"):
        with pytest.raises(FileNotFoundError, match=name):
            magnatagatune.read(tmp_path, [path for path in files if path != name])
    for content, message in ((b"clip_id,mp3_path\n", "mp3_path"), (b"clip_id\tmp3_path\n", "a column a tag")):
        with pytest.raises(ValueError, match=message):
            magnatagatune.read(tmp_path, lay_out(tmp_path, {**TREE, "annotations_final.csv": content}))
