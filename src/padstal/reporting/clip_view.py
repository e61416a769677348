"""What is known of one clip, as named groups of facts: the same words in the terminal and on the page."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from padstal.core.data.manifest import COLUMNS
from padstal.reporting.captions_view import DECISION_WORDS
from padstal.reporting.catalogue import KEPT, OPEN, QUARANTINED, REMOVED, Catalogue
from padstal.reporting.text import MINUS, duration, number, visible


@dataclass(frozen=True)
class Facts:
    """One group.

    Attributes:
        name: Its heading.
        pairs: Name and text; texts may come from outside.
        missing: What to run to know more; "" where all is known.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    missing: str = ""


CAPTION_COLUMNS = (
    "clip_id",
    "original",
    "generated",
    "decision",
    "caption",
    "similarity_original_audio",
    "similarity_generated_audio",
    "similarity_original_generated",
    "similarity_caption_audio",
)
SCORE_COLUMNS = ("clip_id", "pmos", "quality_level", "prefix")


def file_facts(catalogue: Catalogue, rows: pd.DataFrame) -> tuple[Facts, ...]:
    """Facts that all rows of one file share: provenance, licence, split; of a refused file, why."""
    row = rows.iloc[0]
    named = (("title", "title"), ("artist", "artist"), ("album", "album"), ("licence", "licence"))
    where = (("source", "source"), ("path", "path"), ("address", "source_url"), ("sha256", "sha256"))
    provenance = [(label, _text(row, column)) for label, column in (*named, *where)]
    if row["fate"] == QUARANTINED:
        refused = (("reason", _text(row, "reason").replace("_", " ")), ("detail", _text(row, "detail")))
        return (Facts("In quarantine", refused), Facts("Provenance", _known(provenance)))
    form = (
        ("track", _text(row, "track_id")),
        ("split", _text(row, "split")),
        ("tags", _text(row, "tags")),
        ("length", duration(float(row["track_seconds"]))),
        ("file", f"{number(int(row['sample_rate']))} Hz, {number(int(row['channels']))} channels"),
        ("clips", number(len(catalogue.clips[catalogue.clips["track_id"] == row["track_id"]]))),
    )
    more = _more(catalogue.inputs.manifest, row, COLUMNS)
    return (Facts("Provenance", _known([*provenance, *form, *more])),)


def clip_facts(catalogue: Catalogue, row: pd.Series) -> tuple[Facts, ...]:
    """Facts of one clip: captions, quality, curation, audio."""
    return (
        _captions(catalogue, row),
        _quality(catalogue, row),
        _curation(catalogue, row),
        Facts("Sound", _known([(label, _with(unit, row.get(name))) for name, (label, unit) in SOUND.items()])),
    )


def _captions(catalogue: Catalogue, row: pd.Series) -> Facts:
    if not catalogue.knows("decision"):
        written = _text(row, "written") or "none"
        return Facts("Captions", (("original", written),), "`dvc repro caption` says how captions fit the sound")
    decision = _text(row, "decision")
    pairs = (
        ("decision", f"{decision.replace('_', ' ')}: {DECISION_WORDS.get(decision, '')}".rstrip(": ")),
        ("original", _text(row, "original") or "none"),
        ("fits the sound", _cosine(row, "similarity_original_audio")),
        ("generated", _text(row, "generated") or "none"),
        ("fits the sound", _cosine(row, "similarity_generated_audio")),
        ("original and generated", _cosine(row, "similarity_original_generated")),
        ("trained with", _text(row, "caption") or "no caption"),
        ("fits the sound", _cosine(row, "similarity_caption_audio")),
    )
    return Facts("Captions", (*pairs, *_more(catalogue.inputs.captions, row, CAPTION_COLUMNS)))


def _quality(catalogue: Catalogue, row: pd.Series) -> Facts:
    if not catalogue.knows("quality_level"):
        return Facts("Quality", (), "`dvc repro score` predicts it")
    mu, sigma = catalogue.inputs.distribution.get("mu"), catalogue.inputs.distribution.get("sigma")
    score, level = row.get("pmos"), row.get("quality_level")
    pairs = [("p-MOS", number(None if pd.isna(score) else float(score)))]
    if mu is not None and sigma and not pd.isna(score):
        off = (float(score) - mu) / sigma
        pairs.append(("among the clips", f"{number(off)} deviations from the training mean of {number(mu)}"))
    pairs.append(("level", "unknown" if pd.isna(level) or not int(level) else f"{int(level)} of 5"))
    pairs.append(("prefix", _text(row, "prefix") or "none"))
    return Facts("Quality", (*pairs, *_more(catalogue.inputs.scores, row, SCORE_COLUMNS)))


def _curation(catalogue: Catalogue, row: pd.Series) -> Facts:
    if row["fate"] == OPEN:
        return Facts("Curation", (), "`dvc repro curate` says whether it stays")
    pairs = [("outcome", "kept" if row["fate"] == KEPT else f"removed: {_text(row, 'reason').replace('_', ' ')}")]
    if row["fate"] == REMOVED:
        pairs.append(("why", _text(row, "detail")))
    clips = catalogue.clips
    group = _text(row, "duplicate_group")
    if group:
        members = clips[clips["duplicate_group"] == group].drop_duplicates("track_id")
        told = [f"{one['track_id']} ({one['fate']}, {visible(one['path'])})" for _, one in members.iterrows()]
        pairs.append(("duplicate group", f"{group}: {'; '.join(told)}"))
    else:
        pairs.append(("duplicate group", "none"))
    likelihood = row.get("log_likelihood")
    if pd.notna(likelihood):
        known = clips.loc[clips["split"] == "train", "log_likelihood"].dropna()
        rank = float((known < likelihood).mean()) if len(known) else float("nan")
        beside = f" nats, above {100 * rank:.0f} % of training clips" if len(known) else " nats"
        pairs.append(("log-likelihood", number(float(likelihood)) + beside))
    if pd.notna(row.get("weight")):
        pairs.append(("sample weight", number(float(row["weight"]))))
    return Facts("Curation", tuple(pairs))


def _more(table: pd.DataFrame | None, row: pd.Series, known: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What `table` says besides its `known` columns, under the columns' own names."""
    others = [] if table is None else [name for name in table if name not in known and name in row]
    return _known([(str(name).replace("_", " "), _figure(row[name]) or _text(row, name)) for name in others])


def _figure(content: Any) -> str:
    return number(float(content)) if isinstance(content, float) and not pd.isna(content) else ""


def _text(row: pd.Series, column: str) -> str:
    content = row.get(column)
    return "" if content is None or (isinstance(content, float) and pd.isna(content)) else visible(str(content))


def _cosine(row: pd.Series, column: str) -> str:
    content = row.get(column)
    return "–" if content is None or pd.isna(content) else f"{content:.3f}".replace("-", MINUS)


def _known(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in pairs if text)


def _with(unit: str, content: Any) -> str:
    if content is None or pd.isna(content):
        return ""
    return f"{100 * float(content):.2f} {unit}" if unit.startswith("%") else f"{number(float(content))} {unit}"


SOUND = {
    "offset_seconds": ("starts at", "s"),
    "clip_seconds": ("lasts", "s"),
    "loudness_lufs": ("loudness", "LUFS"),
    "peak_dbfs": ("peak", "dBFS"),
    "rms_dbfs": ("RMS", "dBFS"),
    "bandwidth_hz": ("bandwidth", "Hz"),
    "clipped_share": ("near the peak", "% of samples"),
}
