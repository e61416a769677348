"""MTG-Jamendo and Song Describer: tags in columns of their own, names beside them, a licence for each track."""

import pytest
from tests.ingest.layouts.published import (
    JAMENDO_LICENCES,
    JAMENDO_NAMES,
    JAMENDO_TAGS,
    SONG_DESCRIBER_HEADER,
    lay_out,
)

from padstal.ingest import rejection
from padstal.ingest.layouts import mtg_jamendo, song_describer
from padstal.rights.licence import normalise

MTG = {
    "data/raw_30s.tsv": JAMENDO_TAGS,
    "data/autotagging.tsv": b"not looked at",
    "data/raw.meta.tsv": JAMENDO_NAMES,
    "audio_licenses.txt": JAMENDO_LICENCES,
    "raw_30s/audio/14/214.mp3": b"",
    "raw_30s/audio-low/14/214.low.mp3": b"",
    "raw_30s/audio/82/382.mp3": b"",
}


def test_a_track_has_its_tags_names_and_licence_in_both_qualities(tmp_path):
    table = mtg_jamendo.read(tmp_path, lay_out(tmp_path, MTG))
    assert table.refused == []
    for path in ("raw_30s/audio/14/214.mp3", "raw_30s/audio-low/14/214.low.mp3"):
        row = table.rows[path]
        assert (row.title, row.artist, row.album) == ('Intro "chiante"', "David TMX", "Pouce & Go")
        assert (row.tags, row.source_url) == ("punkrock", "http://www.jamendo.com/track/214")
        assert normalise(row.licence) == "CC-BY-NC-SA-2.0"


def test_a_track_without_names_has_its_artists_number_and_a_name_is_no_licence(tmp_path):
    row = mtg_jamendo.read(tmp_path, lay_out(tmp_path, MTG)).rows["raw_30s/audio/82/382.mp3"]
    assert (row.artist, row.title, row.tags) == ("artist_000020", "", "ambient, voice")
    assert normalise(row.licence) == "LAL", "the artist calls themselves like CC BY; the licence is another"


def test_a_credit_alone_is_no_licence(tmp_path):
    credit = (
        b"14/214.mp3\nBy https://creativecommons.org/licenses/by/4.0/ from Jamendo: http://www.jamendo.com/track/214\n"
    )
    table = mtg_jamendo.read(tmp_path, lay_out(tmp_path, {**MTG, "audio_licenses.txt": credit}))
    assert "no licence of 14/214.mp3" in table.no_licence("raw_30s/audio/14/214.mp3")
    assert "raw_30s/audio/14/214.mp3" not in table.rows


def test_clean_tags_win_over_raw_ones(tmp_path):
    clean = JAMENDO_TAGS.replace(b"punkrock", b"punk")
    table = mtg_jamendo.read(tmp_path, lay_out(tmp_path, {**MTG, "data/raw_30s_cleantags.tsv": clean}))
    assert table.rows["raw_30s/audio/14/214.mp3"].tags == "punk"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tpunkrock", "category---tag"),
        (b"214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---x", "track_0000214"),
        (b"track_0000214\tartist_000014\talbum_000031\t14/214.mp3", "4 fields"),
        (b"track_0000214\tartist_\xff\talbum_000031\t14/214.mp3\t124.6\tgenre---x", "UTF-8"),
    ],
)
def test_a_bad_row_is_named_and_its_audio_has_no_licence(tmp_path, row, why):
    header = JAMENDO_TAGS.split(b"\r\n")[0]
    table = mtg_jamendo.read(tmp_path, lay_out(tmp_path, {**MTG, "data/raw_30s.tsv": header + b"\r\n" + row}))
    [(_, reason, said)] = table.refused
    assert reason == rejection.MALFORMED
    assert why in said
    assert "raw_30s/audio/14/214.mp3" in table.barred
    assert "raw_30s/audio/82/382.mp3" not in table.rows


def test_rows_without_audio_are_named(tmp_path):
    files = {path: content for path, content in MTG.items() if "382" not in path}
    table = mtg_jamendo.read(tmp_path, lay_out(tmp_path, files))
    assert [(name, reason) for name, reason, _ in table.refused] == [("82/382.mp3", rejection.MISSING)]


@pytest.mark.parametrize("table", ["raw_30s.tsv", "raw.meta.tsv", "audio_licenses.txt"])
def test_a_missing_table_is_named(tmp_path, table):
    files = lay_out(tmp_path, MTG)
    with pytest.raises(FileNotFoundError, match=table):
        mtg_jamendo.read(tmp_path, [path for path in files if not path.endswith((table, "autotagging.tsv"))])


@pytest.mark.parametrize(
    ("table", "content", "message"),
    [
        ("data/raw_30s.tsv", b"a,b\n1,2\n", "TRACK_ID"),
        ("data/raw.meta.tsv", b"a\tb\n", "TRACK_NAME"),
        ("audio_licenses.txt", b"<html>404</html>\n", "14/214.mp3"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, table, content, message):
    with pytest.raises(ValueError, match=message):
        mtg_jamendo.read(tmp_path, lay_out(tmp_path, {**MTG, table: content}))


CAPTIONS = (
    SONG_DESCRIBER_HEADER + '990,1004034,"second, longer",True,3,368880,118196,34/1004034.mp3,202.5\r\n'
    "12,1004034,never validated,,0,368880,118196,34/1004034.mp3,202.5\r\n"
    "859,1004034,electronic tune,True,0,368880,118196,34/1004034.mp3,202.5\r\n"
    "7,1007274,refused,False,1,429137,118548,74/1007274.mp3,140.2\r\n"
    "3,1007274,unsure,,1,429137,118548,74/1007274.mp3,140.2\r\n"
)
SDD = {
    "song_describer.csv": CAPTIONS.encode(),
    "audio_licenses.txt": b"34/1004034.mp3\nA by B from Jamendo: http://www.jamendo.com/track/1004034\n"
    b"Available under a Creative Commons Attribution license: http://creativecommons.org/licenses/by/3.0/\n--\n"
    b"74/1007274.mp3\nC by D from Jamendo: http://www.jamendo.com/track/1007274\nAsk the artist\n--\n",
    "audio/34/1004034.2min.mp3": b"",
    "audio/74/1007274.2min.mp3": b"",
}


def test_the_first_validated_caption_is_used_else_the_first(tmp_path):
    table = song_describer.read(tmp_path, lay_out(tmp_path, SDD))
    first, second = table.rows["audio/34/1004034.2min.mp3"], table.rows["audio/74/1007274.2min.mp3"]
    assert (first.caption, second.caption) == ("electronic tune", "unsure")
    assert (first.artist, second.artist) == ("artist_368880", "artist_429137")
    assert normalise(first.licence) == "CC-BY-3.0"
    assert second.licence == "Ask the artist"
    assert table.refused == []


def test_names_and_tags_are_used_where_they_are_published(tmp_path):
    more = {
        "audio_metadata.tsv": b"track_1004034\tartist_368880\talbum_118196\tRain\tExample\tRooms\t2020-01-02\thttp://x\n",
        "song_describer_14_04_23.mtg-jamendo.tsv": b"track_1004034\tartist_368880\talbum_118196\t34/1004034.mp3\t202.5"
        b"\tgenre---electronic\tmood/theme---calm\n",
    }
    row = song_describer.read(tmp_path, lay_out(tmp_path, {**SDD, **more})).rows["audio/34/1004034.2min.mp3"]
    assert (row.title, row.artist, row.album, row.source_url) == ("Rain", "Example", "Rooms", "http://x")
    assert row.tags == "electronic, calm"


@pytest.mark.parametrize(
    "row",
    [
        "x,1007274,text,True,1,429137,118548,74/1007274.mp3,1",
        "9,1007274,text,maybe,1,429137,118548,74/1007274.mp3,1",
        "9,1007274,<p></p>,True,1,429137,118548,74/1007274.mp3,1",
        "9,²,text,True,1,429137,118548,74/1007274.mp3,1",
        "9,1007274,text,True,1,429137,74/1007274.mp3",
    ],
)
def test_a_bad_caption_is_named_and_another_one_is_used(tmp_path, row):
    table = song_describer.read(tmp_path, lay_out(tmp_path, {**SDD, "song_describer.csv": (CAPTIONS + row).encode()}))
    assert [reason for _, reason, _ in table.refused] == [rejection.MALFORMED]
    assert table.rows["audio/74/1007274.2min.mp3"].caption == "unsure"


def test_a_track_all_of_whose_captions_are_bad_has_no_licence(tmp_path):
    content = SONG_DESCRIBER_HEADER + "9,1004034,,True,1,429137,118548,34/1004034.mp3,1\n"
    table = song_describer.read(tmp_path, lay_out(tmp_path, {**SDD, "song_describer.csv": content.encode()}))
    assert "audio/34/1004034.2min.mp3" in table.barred
    assert {reason for _, reason, _ in table.refused} == {rejection.MALFORMED}


def test_song_describers_tables_are_named_when_missing_or_wrong(tmp_path):
    files = lay_out(tmp_path, SDD)
    for table in ("song_describer.csv", "audio_licenses.txt"):
        with pytest.raises(FileNotFoundError, match=table):
            song_describer.read(tmp_path, [path for path in files if path != table])
    with pytest.raises(ValueError, match="is_valid_subset"):
        song_describer.read(tmp_path, lay_out(tmp_path, {**SDD, "song_describer.csv": b"caption_id,caption\n"}))
