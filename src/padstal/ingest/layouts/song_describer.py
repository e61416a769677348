"""Song Describer (Manco et al. 2023): `song_describer.csv` and `audio/34/1004034.2min.mp3`.

A track has up to five captions. The one used is the first validated one by `caption_id`, else the first; the others are
left alone. Licences, a track each, come from `audio_licenses.txt`; names from `audio_metadata.tsv` and tags from
`song_describer*.mtg-jamendo.tsv`, if they are there. Without names, the artist's number stands for the artist, as
MTG-Jamendo writes it, so that splits keep artists apart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from padstal.ingest.captions_table import Table
from padstal.ingest.layouts.jamendo import Names, audio_of, licences_of, names_of, tagged
from padstal.ingest.layouts.tables import Reading, clean, find, headed, number_of, optional

_COLUMNS = ("caption_id", "track_id", "caption", "is_valid_subset", "artist_id", "path")
_VALID = {"True": True, "False": False, "": False}


@dataclass(frozen=True)
class _Caption:
    number: int
    caption_id: int
    valid: bool
    text: str
    track: str
    artist: str

    @property
    def order(self) -> tuple[bool, int]:
        return (not self.valid, self.caption_id)


def read(root: Path, files: Sequence[str]) -> Table:
    """Rows of the tracks that are there, with one caption each.

    Raises:
        FileNotFoundError: A table is not there.
        ValueError: A table is not as published.
    """
    table = find(files, "song_describer.csv")
    licences = licences_of(root / find(files, "audio_licenses.txt"))
    metadata = optional(files, "audio_metadata.tsv")
    names = names_of(root / metadata) if metadata else {}
    tags = _tags(root, files)
    audio = audio_of(files)

    reading = Reading(table)
    captions: dict[str, list[_Caption]] = {}
    broken: dict[str, tuple[int, str]] = {}
    for number, wrong, (caption_id, track, text, valid, artist, path) in headed(root / table, _COLUMNS):
        numbers = [number_of(field) for field in (caption_id, track, artist)]
        if not wrong and None in numbers:
            wrong = "expected numbers for caption, track and artist"
        if not wrong and valid not in _VALID:
            wrong = f"is_valid_subset = {valid[:20]!r}: expected True, False or nothing"
        if not wrong and not clean(text):
            wrong = "an empty caption"
        key = path.removesuffix(".mp3")
        if wrong:
            broken.setdefault(key, (number, wrong))
            reading.malformed(path or caption_id, number, wrong)
        else:
            said = _Caption(number, int(caption_id), _VALID[valid], clean(text), track, artist)
            captions.setdefault(key, []).append(said)

    for key, several in captions.items():
        chosen = min(several, key=lambda caption: caption.order)
        there = audio.get(key, [])
        if not there:
            reading.missing(f"{key}.mp3", chosen.number)
        if not licences.get(key):
            reading.bar(there, f"audio_licenses.txt: names no licence of {key}.mp3")
            continue
        track_id = f"track_{int(chosen.track):07d}"
        known = names.get(track_id, Names())
        of_track = known.row(
            artist=f"artist_{int(chosen.artist):06d}",
            tags=tags.get(track_id, ()),
            licence=licences[key],
            caption=chosen.text,
        )
        reading.take(there, of_track, chosen.number)
    for key, (number, wrong) in broken.items():
        if key not in captions and key in audio:
            reading.malformed(key, number, f"no caption of it can be read: {wrong}", audio[key])
    return reading.table()


def _tags(root: Path, files: Sequence[str]) -> dict[str, tuple[str, ...]]:
    pattern = re.compile(r"song_describer\w*\.mtg-jamendo\.tsv")
    found = {name for path in files if pattern.fullmatch(name := PurePosixPath(path).name)}
    tables = [optional(files, name) for name in sorted(found)]
    return {row.track: row.tags for table in tables for row in tagged(root / table) if not row.flaw}
