"""FMA's three header rows, lists, HTML, subsets and licences are read as they are published."""

import pytest
from tests.ingest.layouts.published import FMA_GENRES, FMA_LICENCE, fma_row, fma_tracks, lay_out

from padstal.ingest import rejection
from padstal.ingest.layouts import fma
from padstal.ingest.layouts.tables import LISTED_MISSING
from padstal.rights.licence import normalise

AUDIO = {"fma_small/000/000002.mp3": b"", "fma_small/098/098565.mp3": b""}


def tree(rows, genres=FMA_GENRES, audio=AUDIO, ending="\n", **more):
    tables = {"fma_metadata/tracks.csv": fma_tracks(rows, ending), "fma_metadata/genres.csv": genres}
    return {**tables, **audio, **more}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_track_has_its_names_genres_tags_and_licence(tmp_path, ending):
    rows = [
        fma_row(
            2,
            track_title="Food &amp; <i>Drink</i>",
            track_genres_all="[21, 8]",
            track_tags="['lo-fi', 'philly, pa', 'Lo-Fi']",
        ),
        fma_row(98565, artist_name="Nicky Cook\n", album_title="", track_genres_all="[]", track_license=""),
    ]
    table = fma.read(tmp_path, lay_out(tmp_path, tree(rows, ending=ending)))
    first, second = (table.rows[path] for path in AUDIO)
    assert (first.artist, first.album, first.title) == ("AWOL", "AWOL - A Way Of Life", "Food & Drink")
    assert first.tags == "Hip-Hop, Old-Time / Historic, lo-fi, philly, pa, Lo-Fi"
    assert normalise(first.licence) == "CC-BY-NC-SA-3.0"
    assert (second.artist, second.album, second.tags, second.licence) == ("Nicky Cook", "", "", "")
    assert table.refused == []


def test_rows_of_subsets_whose_folder_is_not_there_are_not_missing(tmp_path):
    rows = [fma_row(2), fma_row(3, set_subset="medium"), fma_row(5), fma_row(7, set_subset="")]
    table = fma.read(tmp_path, lay_out(tmp_path, tree(rows)))
    assert [(name, reason) for name, reason, _ in table.refused] == [("fma_small/000/000005.mp3", rejection.MISSING)]
    both = tree(rows, audio={**AUDIO, "fma_medium/000/000002.mp3": b"", "fma_medium/000/000003.mp3": b""})
    table = fma.read(tmp_path, lay_out(tmp_path, both))
    assert set(table.rows) == {"fma_small/000/000002.mp3", "fma_medium/000/000002.mp3", "fma_medium/000/000003.mp3"}
    assert {name for name, _, _ in table.refused} == {"fma_small/000/000005.mp3", "fma_medium/000/000005.mp3"}


@pytest.mark.parametrize(
    "row",
    [
        fma_row(2, track_genres_all="[21"),
        fma_row(2, track_genres_all="[99]"),
        fma_row(2, track_genres_all="__import__('os')"),
        fma_row(2, track_tags="{'a': 1}"),
        fma_row(2, track_tags="[" * 300),
        fma_row(2, track_tags="[" + "1," * 9_000 + "]"),
        fma_row(2)[:-3],
        [*fma_row(2), "more"],
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_its_file_has_no_licence(tmp_path, row):
    table = fma.read(tmp_path, lay_out(tmp_path, tree([row, fma_row(98565)])))
    [(name, reason, why)] = table.refused
    assert (name, reason) == ("000002", rejection.MALFORMED)
    assert "tracks.csv, row 4" in why
    assert "fma_small/000/000002.mp3" in table.barred
    assert normalise(table.rows["fma_small/098/098565.mp3"].licence) == "CC-BY-NC-SA-3.0"


def test_bytes_that_are_no_text_spoil_their_row_alone(tmp_path):
    content = fma_tracks([fma_row(2, artist_name="ZZZ"), fma_row(98565)]).replace(b"ZZZ", b"Z\xff\xfeZ")
    files = lay_out(tmp_path, {**tree([]), "fma_metadata/tracks.csv": content})
    table = fma.read(tmp_path, files)
    assert [(name, reason) for name, reason, _ in table.refused] == [("000002", rejection.MALFORMED)]
    assert table.rows["fma_small/098/098565.mp3"].artist == "AWOL"


def test_a_repeated_track_keeps_its_first_row(tmp_path):
    table = fma.read(tmp_path, lay_out(tmp_path, tree([fma_row(2), fma_row(2, track_title="Forged"), fma_row(98565)])))
    assert table.rows["fma_small/000/000002.mp3"].title == "Food"
    assert [reason for _, reason, _ in table.refused] == [rejection.REPEATED]


def test_raw_tracks_add_addresses_and_a_contradiction_is_no_licence(tmp_path):
    raw = (
        b"track_id,license_title,license_url,track_title,track_url\n"
        b"2,x,http://creativecommons.org/licenses/by/4.0/,Food,http://freemusicarchive.org/music/AWOL/Food\n"
        b"98565,x,http://creativecommons.org/licenses/by/3.0/,Y,\n"
        b"999,x,http://creativecommons.org/licenses/by/3.0/,not here,\n"
    )
    rows = [fma_row(2, track_license="Attribution"), fma_row(98565, track_license=FMA_LICENCE)]
    files = lay_out(tmp_path, {**tree(rows), "fma_metadata/raw_tracks.csv": raw})
    table = fma.read(tmp_path, files)
    first, second = (table.rows[path] for path in AUDIO)
    assert first.source_url == "http://freemusicarchive.org/music/AWOL/Food"
    assert normalise(first.licence) == "CC-BY-4.0"
    assert not normalise(second.licence).startswith("CC-")


def test_missing_rows_are_named_up_to_a_number_and_then_counted(tmp_path):
    rows = [fma_row(track) for track in range(2, LISTED_MISSING + 10)]
    table = fma.read(tmp_path, lay_out(tmp_path, tree(rows)))
    assert len(table.refused) == LISTED_MISSING + 1
    assert "7 more rows" in table.refused[-1][2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fma_metadata/tracks.csv": b"track_id,title\n2,Food\n"}, "three header rows"),
        ({"fma_metadata/tracks.csv": b""}, "three header rows"),
        ({"fma_metadata/tracks.csv": b",a,b\n,x,y\ntrack_id,,\n"}, r"set\.subset"),
        ({"fma_metadata/tracks.csv": fma_tracks([]) + b'2,"' + b"x" * (1 << 21)}, "not a readable table"),
        ({"fma_metadata/genres.csv": b"id,name\n21,Hip-Hop\n"}, "genre_id"),
        ({"fma_metadata/genres.csv": b"genre_id,title\nx,Hip-Hop\n"}, "genre's number"),
        ({"other/tracks.csv": b""}, "one table of that name"),
    ],
)
def test_tables_that_are_not_as_published_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        fma.read(tmp_path, lay_out(tmp_path, {**tree([]), **change}))


def test_tables_and_audio_that_are_not_there_are_named(tmp_path):
    files = lay_out(tmp_path, tree([]))
    with pytest.raises(FileNotFoundError, match=r"genres\.csv"):
        fma.read(tmp_path, [path for path in files if "genres" not in path])
    with pytest.raises(FileNotFoundError, match="fma_small"):
        fma.read(tmp_path, [path for path in files if not path.endswith(".mp3")])
