"""What MTG-Jamendo and Song Describer share: Jamendo's tracks, names, tags and licences."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padstal.ingest.captions_table import Row
from padstal.ingest.layouts.tables import as_tags, audio_by_key, clean, columns, flaw, tab_rows

TRACK_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION")
"""Before the tags, which fill the rest of a row, a column each."""
_NAME_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME", "RELEASEDATE", "URL")
_TAG = re.compile(r"(?:genre|instrument|mood/theme)---(.+)")
_AUDIO = re.compile(r"(?:.*/)?(?P<key>\d\d/\d+)(?:\.low|\.2min)?\.mp3")
_LICENSED = re.compile(r"(\d\d/\d+)\.mp3")
_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Names:
    """What a track is called, and where it is published."""

    title: str = ""
    artist: str = ""
    album: str = ""
    url: str = ""

    def row(self, *, artist: str, tags: Iterable[str], licence: str, caption: str = "") -> Row:
        """What is known of the track; `artist` stands for a name that is not known."""
        return Row(
            caption=caption,
            tags=as_tags(tags),
            artist=self.artist or artist,
            album=self.album,
            title=self.title,
            licence=licence,
            source_url=self.url,
        )


@dataclass(frozen=True)
class Tagged:
    """A row of a table of tags; `key` is the path without its ending, `flaw` says why it cannot be read."""

    number: int
    track: str
    artist: str
    key: str
    tags: tuple[str, ...]
    flaw: str = ""


def audio_of(files: Sequence[str]) -> dict[str, list[str]]:
    """Audio files by folder and number ("34/1004034"): as published, at low quality, or cut at two minutes."""
    return dict(audio_by_key(files, _AUDIO))


def tagged(path: Path) -> Iterator[Tagged]:
    """Rows of a table of tags, in order, with or without its header.

    Raises:
        ValueError: Neither the header nor a track opens the table.
    """
    for number, fields in tab_rows(path):
        if number == 1 and not fields[0].startswith("track_"):
            columns(path, fields, (*TRACK_COLUMNS, "TAGS"))
            continue
        key = fields[3].removesuffix(".mp3") if len(fields) > 3 else ""
        tags = [_TAG.fullmatch(tag) for tag in fields[5:]]
        wrong = flaw(fields, max(len(fields), len(TRACK_COLUMNS)))
        if not wrong and not re.fullmatch(r"track_\d+", fields[0]):
            wrong = f"{fields[0][:40]!r}: expected a track such as track_0000214"
        if not wrong and not all(tags):
            wrong = "a tag is not of the form category---tag"
        names = tuple(found.group(1) for found in tags if found)
        yield Tagged(number, fields[0], fields[1] if len(fields) > 1 else "", key, names, wrong)


def names_of(path: Path) -> dict[str, Names]:
    """Names by TRACK_ID, from a table with or without its header; rows that cannot be read are left out.

    Raises:
        ValueError: Neither the header nor a track opens the table.
    """
    found = {}
    for number, fields in tab_rows(path):
        if number == 1 and not fields[0].startswith("track_"):
            columns(path, fields, _NAME_COLUMNS)
        elif not flaw(fields, len(_NAME_COLUMNS)):
            title, artist, album, _, url = (clean(field) for field in fields[3:])
            found[fields[0]] = Names(title, artist, album, url)
    return found


def licences_of(path: Path) -> dict[str, str]:
    """Licences by folder and number: each track has a block of its path, its credit, and its licence with an address.

    The address is the licence; a block without one gives its last line, one that is no UTF-8 gives none.

    Raises:
        ValueError: No line names a track.
    """
    found: dict[str, str] = {}
    key = ""
    for _, fields in tab_rows(path):
        line = clean(" ".join(fields))
        named = _LICENSED.fullmatch(line)
        if named:
            key = named.group(1)
            found[key] = ""
        elif key and line.strip("-") and " from Jamendo: " not in line and not flaw(fields, len(fields)):
            addresses = _ADDRESS.findall(line)
            found[key] = addresses[-1] if addresses else line
    if not found:
        raise ValueError(f"{path}: expected a path such as 14/214.mp3 before each licence, found none")
    return found
