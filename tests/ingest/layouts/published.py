"""Tiny datasets in exactly the form in which the real ones are published, quirks included."""

import csv
import io
from pathlib import Path

FMA_COLUMNS = [
    *[("album", name) for name in ("comments", "date_created", "date_released", "engineer", "favorites", "id")],
    *[("album", name) for name in ("information", "listens", "producer", "tags", "title", "tracks", "type")],
    *[("artist", name) for name in ("active_year_begin", "active_year_end", "associated_labels", "bio", "comments")],
    *[("artist", name) for name in ("date_created", "favorites", "id", "latitude", "location", "longitude", "members")],
    *[("artist", name) for name in ("name", "related_projects", "tags", "website", "wikipedia_page")],
    ("set", "split"),
    ("set", "subset"),
    *[("track", name) for name in ("bit_rate", "comments", "composer", "date_created", "date_recorded", "duration")],
    *[("track", name) for name in ("favorites", "genre_top", "genres", "genres_all", "information", "interest")],
    *[("track", name) for name in ("language_code", "license", "listens", "lyricist", "number", "publisher", "tags")],
    ("track", "title"),
]
FMA_LICENCE = "Attribution-NonCommercial-ShareAlike 3.0 International"


def fma_row(track: object, **said: str) -> list[str]:
    """A row of `tracks.csv`; keys such as `track_title` name columns."""
    usual = {
        "album_title": "AWOL - A Way Of Life",
        "album_information": "<p></p>",
        "artist_name": "AWOL",
        "artist_bio": "<p>A Way Of Life, A Collective of Hip-Hop\nfrom <b>Philly</b></p>",
        "set_subset": "small",
        "track_title": "Food",
        "track_genres_all": "[21]",
        "track_tags": "[]",
        "track_license": FMA_LICENCE,
    }
    unknown = set(said) - {f"{group}_{name}" for group, name in FMA_COLUMNS}
    assert not unknown, unknown
    return [str(track), *({**usual, **said}.get(f"{group}_{name}", "") for group, name in FMA_COLUMNS)]


def fma_tracks(rows: list[list[str]], ending: str = "\n") -> bytes:
    """`tracks.csv`: groups, names, `track_id` alone, rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=ending)
    writer.writerow(["", *(group for group, _ in FMA_COLUMNS)])
    writer.writerow(["", *(name for _, name in FMA_COLUMNS)])
    writer.writerow(["track_id", *("" for _ in FMA_COLUMNS)])
    writer.writerows(rows)
    return out.getvalue().encode()


FMA_GENRES = b"genre_id,#tracks,parent,title,top_level\n2,5271,0,International,2\n21,8389,0,Hip-Hop,21\n" + (
    b"8,868,0,Old-Time / Historic,8\n76,1,2,Experimental Pop,10\n"
)

JAMENDO_TAGS = (
    b"TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
    b"track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock\r\n"
    b"track_0000382\tartist_000020\talbum_000046\t82/382.mp3\t211.1\tgenre---ambient\tinstrument---voice\t"
    b"mood/theme---ambient\r\n"
)
JAMENDO_NAMES = (
    b"TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL\r\n"
    b'track_0000214\tartist_000014\talbum_000031\tIntro "chiante"\tDavid TMX\tPouce & Go\t2004-12-28\t'
    b"http://www.jamendo.com/track/214\r\n"
)
JAMENDO_LICENCES = (
    b"14/214.mp3\n"
    b"Intro chiante by David TMX from Jamendo: http://www.jamendo.com/track/214\n"
    b"Available under a Creative Commons Attribution-Noncommercial-ShareAlike license: "
    b"http://creativecommons.org/licenses/by-nc-sa/2.0/fr/\n\n"
    b"82/382.mp3\n"
    b"Song by http://creativecommons.org/licenses/by/3.0/ from Jamendo: http://www.jamendo.com/track/382\n"
    b"Available under a Licence Art Libre license: http://artlibre.org/licence.php/lal.html\n\n"
)

MTT_TAGS = [f"tag {n}" for n in range(185)] + ["no voice", "singer", "duet"]


def mtt_annotations(rows: list[tuple[str, tuple[str, ...], str]]) -> bytes:
    """`annotations_final.csv`: every field quoted, tabs between."""
    lines = [["clip_id", *MTT_TAGS, "mp3_path"]]
    lines += [[clip, *("1" if tag in tags else "0" for tag in MTT_TAGS), path] for clip, tags, path in rows]
    return "".join("\t".join(f'"{field}"' for field in line) + "\n" for line in lines).encode()


MTT_INFO_COLUMNS = (
    *("clip_id", "track_number", "title", "artist", "album", "url"),
    *("segmentStart", "segmentEnd", "original_url", "mp3_path"),
)


def mtt_info(rows: list[tuple[str, str, str, str, str, str]]) -> bytes:
    """`clip_info_final.csv` from (clip, title, artist, album, url, mp3_path)."""
    lines = [list(MTT_INFO_COLUMNS)]
    for clip, title, artist, album, url, path in rows:
        lines.append([clip, "1", title, artist, album, url, "0", "29", f"{url}song.mp3", path])
    quoted = (["" if not field else '"' + field.replace('"', '""') + '"' for field in line] for line in lines)
    return "".join("\t".join(line) + "\n" for line in quoted).encode()


AUDIOSET_COMMENTS = (
    "# Segments csv created Sun Mar  5 10:54:31 2017\n"
    "# num_ytids=22160, num_segs=22160, num_unique_labels=527, num_positive_labels=52882\n"
    "# YTID, start_seconds, end_seconds, positive_labels\n"
)
AUDIOSET_LABELS = (
    b'index,mid,display_name\n0,/m/09x0r,"Speech"\n137,/m/04rlf,"Music"\n500,/t/dd00125,"Inside, small room"\n'
)

SONG_DESCRIBER_HEADER = "caption_id,track_id,caption,is_valid_subset,familiarity,artist_id,album_id,path,duration\n"


def lay_out(root: Path, files: dict[str, bytes]) -> list[str]:
    """Write a tree; gives its paths as `read_metadata` wants them."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return sorted(files)
