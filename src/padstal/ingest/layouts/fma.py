"""FMA (Defferrard et al. 2017): `fma_metadata/` and `fma_small/` … `fma_full/`, as their archives unpack.

`tracks.csv` has three header rows: groups, names, and "track_id" alone; lists are written as Python writes them. The
licence is the track's, in the Free Music Archive's words. `raw_tracks.csv`, if it is there, adds each track's address
and the licence's. A row counts as missing only if its subset's folder is there.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from padstal.ingest.captions_table import Row, Table
from padstal.ingest.layouts.tables import (
    Reading,
    as_tags,
    clean,
    columns,
    csv_rows,
    find,
    flaw,
    headed,
    listed,
    number_of,
    optional,
)

SUBSETS = ("small", "medium", "large", "full")
"""Each holds those before it; the full set has whole tracks, the others 30 s of each."""
_AUDIO = re.compile(r"fma_(?P<subset>small|medium|large|full)/(?P<folder>\d{3})/(?P<track>(?P=folder)\d{3})\.mp3")
_GENRES = ("genre_id", "title")
_RAW = ("track_id", "license_url", "track_url")
_TRACKS = (
    ("set", "subset"),
    ("track", "title"),
    ("artist", "name"),
    ("album", "title"),
    ("track", "license"),
    ("track", "genres_all"),
    ("track", "tags"),
)


def read(root: Path, files: Sequence[str]) -> Table:
    """Rows of the tracks that are there.

    Raises:
        FileNotFoundError: No `tracks.csv` or `genres.csv`, or no folder of audio.
        ValueError: A table is not as published.
    """
    audio: dict[int, list[str]] = {}
    for path in files:
        match = _AUDIO.fullmatch(path)
        if match:
            audio.setdefault(int(match["track"]), []).append(path)
    subsets = [name for name in SUBSETS if any(path.startswith(f"fma_{name}/") for path in files)]
    if not subsets:
        raise FileNotFoundError(f"{root}: no audio in {', '.join(f'fma_{name}/' for name in SUBSETS)}")
    table = find(files, "tracks.csv")
    genres = _genres(root / find(files, "genres.csv"))
    raw = optional(files, "raw_tracks.csv")
    addresses = _addresses(root / raw, audio) if raw else {}

    rows = csv_rows(root / table)
    width, at = _header(root / table, [next(rows, (0, []))[1] for _ in range(3)])
    reading = Reading(table)
    for number, fields in rows:
        track = number_of(fields[0])
        if track is None:
            reading.malformed(fields[0][:40], number, "expected the number of a track")
            continue
        there = audio.get(track, [])
        wrong = flaw(fields, width)
        if wrong:
            reading.malformed(f"{track:06d}", number, wrong, there)
            continue
        subset, title, artist, album, licence, genre_ids, tags = (fields[column] for column in at)
        expected = [name for name in subsets if SUBSETS.index(name) >= _subset_at(subset)]
        present = [path.split("/")[0] for path in there]
        for name in expected:
            if f"fma_{name}" not in present:
                reading.missing(f"fma_{name}/{track // 1000:03d}/{track:06d}.mp3", number)
        if not there:
            continue
        try:
            tagged = as_tags([*(genres[int(genre)] for genre in listed(genre_ids)), *listed(tags)])
        except (ValueError, KeyError) as error:
            why = f"no genre {error} in genres.csv" if isinstance(error, KeyError) else str(error)
            reading.malformed(f"{track:06d}", number, why, there)
            continue
        licence_url, track_url = addresses.get(track, ("", ""))
        of_track = Row(
            tags=tagged,
            artist=clean(artist),
            album=clean(album),
            title=clean(title),
            licence=f"{clean(licence)} {licence_url}".strip(),
            source_url=track_url,
        )
        reading.take(there, of_track, number)
    return reading.table()


def _header(path: Path, rows: list[list[str]]) -> tuple[int, list[int]]:
    """How many columns there are, and where those of `_TRACKS` stand."""
    groups, names, index = rows
    if not index or index[0] != "track_id" or any(index[1:]) or len(groups) != len(names):
        raise ValueError(f"{path}: expected three header rows: groups, names, and track_id alone")
    titled = [f"{group}.{name}" for group, name in zip(groups, names, strict=True)]
    return len(names), columns(path, titled, [f"{group}.{name}" for group, name in _TRACKS])


def _subset_at(subset: str) -> int:
    """The first subset that a row is in; a row that names none is in the full set alone."""
    return SUBSETS.index(subset) if subset in SUBSETS else len(SUBSETS) - 1


def _genres(path: Path) -> Mapping[int, str]:
    genres = {}
    for number, wrong, (genre, title) in headed(path, _GENRES):
        if wrong or number_of(genre) is None:
            wrong = wrong or "expected a genre's number"
            raise ValueError(f"{path}, row {number}: {wrong}")
        genres[int(genre)] = clean(title)
    return genres


def _addresses(path: Path, audio: Mapping[int, list[str]]) -> dict[int, tuple[str, str]]:
    """(address of the licence if it is Creative Commons', of the track) of tracks that are there."""
    found: dict[int, tuple[str, str]] = {}
    for _, wrong, (track, licence, url) in headed(path, _RAW):
        if not wrong and number_of(track) in audio:
            found[int(track)] = (clean(licence) if "creativecommons.org" in licence else "", clean(url))
    return found
