"""MTG-Jamendo (Bogdanov et al. 2019): its repository with the audio anywhere in the same folder.

Tags come from the fullest table that is there, `data/raw_30s_cleantags.tsv` before its parts; names and addresses from
`data/raw.meta.tsv`; licences, a track each, from `audio_licenses.txt`. Audio is `14/214.mp3` or `14/214.low.mp3`.
"""

from collections.abc import Sequence
from pathlib import Path

from padstal.ingest.captions_table import Table
from padstal.ingest.layouts.jamendo import Names, audio_of, licences_of, names_of, tagged
from padstal.ingest.layouts.tables import Reading, find

TABLES = (
    "raw_30s_cleantags.tsv",
    "raw_30s.tsv",
    "raw_30s_cleantags_50artists.tsv",
    "raw.tsv",
    "autotagging.tsv",
    "autotagging_top50tags.tsv",
    "autotagging_genre.tsv",
    "autotagging_instrument.tsv",
    "autotagging_moodtheme.tsv",
)


def read(root: Path, files: Sequence[str]) -> Table:
    """Rows of the tracks that are there. A track that `raw.meta.tsv` does not name has its artist's number.

    Raises:
        FileNotFoundError: A table is not there.
        ValueError: A table is not as published.
    """
    table = find(files, *TABLES)
    names = names_of(root / find(files, "raw.meta.tsv"))
    licences = licences_of(root / find(files, "audio_licenses.txt"))
    audio = audio_of(files)
    reading = Reading(table)
    for row in tagged(root / table):
        there = audio.get(row.key, [])
        if row.flaw:
            reading.malformed(row.track, row.number, row.flaw, there)
        elif not there:
            reading.missing(f"{row.key}.mp3", row.number)
        elif not licences.get(row.key):
            reading.bar(there, f"audio_licenses.txt: names no licence of {row.key}.mp3")
        else:
            known = names.get(row.track, Names(artist=row.artist))
            of_track = known.row(artist=row.artist, tags=row.tags, licence=licences[row.key])
            reading.take(there, of_track, row.number)
    return reading.table()
