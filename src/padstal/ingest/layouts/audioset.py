"""AudioSet (Gemmeke et al. 2017): its lists of segments, and audio named by YouTube's ids.

Lists are `balanced_train_segments.csv`, `unbalanced_train_segments.csv` and `eval_segments.csv`, or cuts of them: three
lines of comment, the third of which names the columns, then `YTID, start, end, "label,label"`. Labels have their names
from `class_labels_indices.csv` or `ontology.json`. Audio may be named, with any ending:

    YTID  YTID_START  YTID_START_END  YTID_START-END  YTID-START-END  Title [YTID]  Title-YTID  YTID.f140

with or without a Y before the id, with other separators, and a word behind; START and END are in seconds (30, 30.000,
30s) or milliseconds (30000). What may be an id and is in no list is none.

Nothing is published about the licence of the audio: the source must name one, or its clips are refused.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from padstal.ingest.captions_table import Row, Table
from padstal.ingest.containers import EXTENSIONS
from padstal.ingest.layouts.tables import Reading, Rows, as_tags, csv_rows, flaw, headed, optional

LISTS = ("balanced_train_segments.csv", "unbalanced_train_segments.csv", "eval_segments.csv")
_HEADER = ["# YTID", "start_seconds", "end_seconds", "positive_labels"]
_COMMENTS = 3
_YTID = r"[A-Za-z0-9_-]{11}"
_SECONDS = r"\d+(?:\.\d+)?"
_BETWEEN = r"[ _.,:~()-]{1,2}"
_TIMES = rf"(?:{_BETWEEN}(?P<start>{_SECONDS})s?(?:{_BETWEEN}{_SECONDS}s?)?\)?)?"
_NAMES = (
    re.compile(rf"(?P<id>{_YTID}){_TIMES}(?:[ _.-]\w+)?"),
    re.compile(rf"(?s:.*)[-_ \[](?P<id>{_YTID})\]?(?P<start>)"),
    re.compile(rf"(?s:.*)[-_ \[](?P<id>{_YTID})\]?{_TIMES}"),
)


def read(root: Path, files: Sequence[str]) -> Table:
    """Rows of the segments that are there; of the others, the first are named and the rest counted.

    Raises:
        FileNotFoundError: No list, or no table of label names.
        ValueError: A table is not as published.
    """
    lists = [path for path in (optional(files, name) for name in LISTS) if path]
    if not lists:
        raise FileNotFoundError(f"{root}: no list of AudioSet's; expected {', '.join(LISTS)} or one of them")
    names = _label_names(root, files)
    audio = _audio(files)
    reading = Reading(", ".join(lists))
    for table in lists:
        for number, fields in _segments(root / table):
            wrong = _flaw(fields, names)
            there = audio.get(fields[0], [])
            if wrong:
                reading.malformed(fields[0], number, wrong, [path for path, _ in there])
                continue
            start = float(fields[1])
            paths = [path for path, begins in there if not begins or float(begins) in (start, 1000 * start)]
            if not paths:
                reading.missing(fields[0], number)
                continue
            tags = as_tags(names[label] for label in fields[3].split(","))
            reading.take(paths, Row(tags=tags, source_url=f"https://www.youtube.com/watch?v={fields[0]}"), number)
    return reading.table()


def _segments(path: Path) -> Rows:
    """Rows below the comments."""
    rows = csv_rows(path, spaced=True)
    comments = [next(rows, (0, [""]))[1] for _ in range(_COMMENTS)]
    if not all(row[0].startswith("#") for row in comments) or [cell.strip() for cell in comments[-1]] != _HEADER:
        raise ValueError(f"{path}: expected three lines of comment, the third {', '.join(_HEADER)}")
    return rows


def _flaw(fields: list[str], names: Mapping[str, str]) -> str:
    wrong = flaw(fields, len(_HEADER))
    if wrong:
        return wrong
    if not re.fullmatch(_YTID, fields[0]):
        return f"{fields[0][:40]!r}: expected an id of 11 characters"
    try:
        start, end = float(fields[1]), float(fields[2])
    except ValueError:
        start = end = math.nan
    if not 0 <= start < end < math.inf:
        return f"from {fields[1][:20]} to {fields[2][:20]} s: expected a start and a later end"
    unknown = [label for label in fields[3].split(",") if label not in names]
    return f"label {unknown[0][:40]!r} has no name" if unknown else ""


def _audio(files: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(path, start as it is named or "") by what may be an id. A name of twelve characters can only be Y and an id."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in files:
        name = PurePosixPath(path)
        if name.suffix.lower() not in EXTENSIONS:
            continue
        stems = dict.fromkeys((name.stem, name.stem.removeprefix("Y")))
        matches = filter(None, (pattern.fullmatch(stem) for stem in stems for pattern in _NAMES))
        for key, start in {match["id"]: match["start"] or "" for match in matches}.items():
            found.setdefault(key, []).append((path, start))
    return found


def _label_names(root: Path, files: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    ontology, classes = optional(files, "ontology.json"), optional(files, "class_labels_indices.csv")
    if not ontology and not classes:
        raise FileNotFoundError(f"{root}: no class_labels_indices.csv or ontology.json, which name the labels")
    if ontology:
        try:
            entries = json.loads((root / ontology).read_text(encoding="utf-8"))
            found = [[str(entry["id"]), str(entry["name"])] for entry in entries]
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"{root / ontology}: expected a list of labels with id and name") from None
        names.update({label: name for label, name in found if not flaw([label, name], 2)})
    if classes:
        rows = headed(root / classes, ("mid", "display_name"))
        names.update({label: name for _, wrong, (label, name) in rows if not wrong})
    return names
