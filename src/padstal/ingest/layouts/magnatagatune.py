"""MagnaTagATune (Law et al. 2009): `annotations_final.csv`, `clip_info_final.csv`, and clips in folders 0 to f.

Both tables are tab-separated. Annotations have 188 columns of 0 and 1 between `clip_id` and `mp3_path`. Magnatune
published the clips under CC BY-NC-SA 1.0; each clip carries that, whatever licence the source names.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from padstal.ingest.captions_table import Row, Table
from padstal.ingest.layouts.tables import Reading, as_tags, audio_by_key, clean, columns, csv_rows, find, flaw, headed

LICENCE = "CC-BY-NC-SA-1.0"
_AUDIO = re.compile(r"(?:.*/)?(?P<key>[0-9a-f]/[^/]+\.mp3)")
_INFO = ("clip_id", "title", "artist", "album", "url")


def read(root: Path, files: Sequence[str]) -> Table:
    """Rows of the clips that are there.

    Raises:
        FileNotFoundError: A table is not there.
        ValueError: A table is not as published.
    """
    table = find(files, "annotations_final.csv")
    info = _info(root / find(files, "clip_info_final.csv"))
    audio = audio_by_key(files, _AUDIO)
    rows = csv_rows(root / table, "\t")
    header = next(rows, (0, []))[1]
    clip_at, path_at = columns(root / table, header, ("clip_id", "mp3_path"))
    tags = [(place, name) for place, name in enumerate(header) if place not in (clip_at, path_at)]
    if not tags:
        raise ValueError(f"{root / table}: expected a column a tag between clip_id and mp3_path, found none")

    reading = Reading(table)
    for number, fields in rows:
        wrong = flaw(fields, len(header))
        key = fields[path_at] if len(fields) > path_at else ""
        there = audio.get(key, [])
        if not wrong and not {fields[place] for place, _ in tags} <= {"0", "1"}:
            wrong = "expected 0 or 1 for each tag"
        if not wrong and not key:
            wrong = f"clip {fields[clip_at]} has no mp3_path"
        if wrong:
            reading.malformed(key or fields[0], number, wrong, there)
        elif not there:
            reading.missing(key, number)
        else:
            title, artist, album, url = info.get(fields[clip_at], ("", "", "", ""))
            own = as_tags(name for place, name in tags if fields[place] == "1")
            of_clip = Row(tags=own, artist=artist, album=album, title=title, licence=LICENCE, source_url=url)
            reading.take(there, of_clip, number)
    return reading.table()


def _info(path: Path) -> Mapping[str, tuple[str, ...]]:
    """(title, artist, album, address of the album) by clip; rows that cannot be read are left out."""
    rows = headed(path, _INFO, "\t")
    return {clip: tuple(map(clean, rest)) for _, wrong, (clip, *rest) in rows if not wrong}
