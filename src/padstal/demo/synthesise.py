"""A corpus on disk: audio files, captions.csv, and the table of what is true about each file."""

import csv
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.demo.artists import TRACKS_PER_ARTIST, artist_brief, draw_artist, title
from padstal.demo.audio_files import FORMATS
from padstal.demo.brief import Brief
from padstal.demo.degrade import true_mos
from padstal.demo.faults import FOREIGN, LICENCE, Copy, Fault, plant
from padstal.demo.grammar import caption, one_tag
from padstal.demo.track_plan import FilePlan, write_file
from padstal.ingest.captions_table import COLUMNS as CAPTION_COLUMNS
from padstal.ingest.config import SynthSource
from padstal.ingest.worker_pool import Workers, ordered_map

BRIEF_STREAM, CAPTION_STREAM = 0xB1, 0xB4
FORMAT_SHARES = (0.25, 0.45, 0.2, 0.1)
"""Of WAV, FLAC, OGG and MP3."""
OTHER_ARTIST = 0.5
"""Share of near copies that come under another artist's name, as re-uploads do."""

CAPTIONS = "captions.csv"

TRUTH_TYPES = {
    "path": str,
    "sha256": str,
    "artist": str,
    "album": str,
    "genre": str,
    "instruments": str,
    "mood": str,
    "tempo_bpm": "float64",
    "key": str,
    "degradation": str,
    "severity": "float64",
    "mos": "float64",
    "caption_fault": str,
    "true_caption": str,
    "duplicate_of": str,
    "duplicate_kind": str,
    "licence_foreign": bool,
}
"""Columns of the truth table: one row a file."""


def synthesise(
    folder: Path,
    source: SynthSource,
    *,
    workers: Workers,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> pd.DataFrame:
    """Write a source's tracks, planted copies and `captions.csv` below `folder`; the same bytes for any `workers`.

    Returns:
        The truth table (`TRUTH_TYPES`), sorted by path.
    """
    show = progress or (lambda items, **_: items)
    plans = _plans(folder, source)
    folder.mkdir(parents=True, exist_ok=True)
    digests = list(show(ordered_map(write_file, plans, workers=workers), total=len(plans), unit="track"))
    _write_captions(folder / CAPTIONS, plans)
    rows = [_truth(plan, digest) for plan, digest in zip(plans, digests, strict=True)]
    return truth_table(sorted(rows, key=lambda row: row["path"]))


def leave_out(folder: Path, truth: pd.DataFrame, paths: Collection[str]) -> pd.DataFrame:
    """Remove composed files, their captions and what is said of them in `truth`; gives the truth that is left."""
    captions = folder / CAPTIONS
    if not paths or not captions.exists():
        return truth
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    with captions.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"] not in paths]
    with captions.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CAPTION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    left = truth[~truth["path"].isin(paths)].reset_index(drop=True)
    gone = left["duplicate_of"].isin(paths)
    return left.assign(**{name: left[name].mask(gone, "") for name in ("duplicate_of", "duplicate_kind")})


def truth_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The truth of these rows; of none, an empty table with the same columns."""
    return pd.DataFrame(rows, columns=list(TRUTH_TYPES)).astype(TRUTH_TYPES)


def _plans(folder: Path, source: SynthSource) -> list[FilePlan]:
    tracks, seed = source.tracks, source.seed
    faults, copies = plant(source)
    artists = [draw_artist(i, seed=seed) for i in range(-(-tracks // TRACKS_PER_ARTIST))]
    albums, briefs = [], []
    for index in range(tracks):
        rng, artist = np.random.default_rng([BRIEF_STREAM, seed, index]), artists[index % len(artists)]
        albums.append(artist.albums[int(rng.integers(len(artist.albums)))])
        briefs.append(artist_brief(artist, albums[-1], rng))
    plans: list[FilePlan] = []
    for index in range(tracks):
        rng = np.random.default_rng([CAPTION_STREAM, seed, index])
        artist, brief, fault = artists[index % len(artists)], briefs[index], faults[index]
        album, name = albums[index].title, title(rng)
        true = caption(brief, rng)
        plans.append(
            FilePlan(
                folder=folder,
                index=index,
                seed=seed,
                seconds=source.track_seconds,
                path=_path(artist.name, album, index, name, rng),
                brief=brief,
                fault=fault,
                copy=None,
                artist=artist.name,
                album=album,
                title=name,
                caption=_stated(true, fault.caption_fault, brief, briefs, rng),
                true_caption=true,
                duplicate_of="",
            )
        )
    for number, copy in enumerate(copies, start=tracks):
        plans.append(_copy_plan(plans[copy.of], copy, number, [artist.name for artist in artists]))
    return plans


def _copy_plan(original: FilePlan, copy: Copy, number: int, artists: list[str]) -> FilePlan:
    rng = np.random.default_rng([CAPTION_STREAM, original.seed, number])
    artist = original.artist
    if copy.kind == "near" and rng.random() < OTHER_ARTIST:
        artist = str(rng.choice([name for name in artists if name != artist] or [artist]))
    path = _path(artist, original.album, number, original.title, rng)
    if copy.kind == "exact":
        path = str(Path(path).with_suffix(Path(original.path).suffix))
    true = caption(original.brief, rng)
    return FilePlan(
        folder=original.folder,
        index=number,
        seed=original.seed,
        seconds=original.seconds,
        path=path,
        brief=original.brief,
        fault=Fault(original.fault.degradation, original.fault.severity, "", original.fault.licence_foreign),
        copy=copy,
        artist=artist,
        album=original.album,
        title=original.title,
        caption=true,
        true_caption=true,
        duplicate_of=original.path,
    )


def _stated(true: str, fault: str, brief: Brief, briefs: list[Brief], rng: np.random.Generator) -> str:
    """What the captions table says about a track."""
    match fault:
        case "missing":
            return ""
        case "weak":
            return one_tag(brief, rng)
        case "wrong":
            others = [other for other in briefs if other.genre != brief.genre]
            return caption(others[int(rng.integers(len(others)))], rng) if others else true
    return true


def _path(artist: str, album: str, index: int, name: str, rng: np.random.Generator) -> str:
    suffix = str(rng.choice(FORMATS, p=FORMAT_SHARES))
    return "/".join(part.replace(" ", "-") for part in (artist, album, f"{index:04d}-{name}.{suffix}"))


def _write_captions(path: Path, plans: list[FilePlan]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CAPTION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for plan in sorted(plans, key=lambda plan: plan.path):
            tags = "; ".join((plan.brief.genre, plan.brief.mood)) if plan.fault.caption_fault == "" else ""
            licence = FOREIGN if plan.fault.licence_foreign else LICENCE
            values = (plan.path, plan.caption, tags, plan.artist, plan.album, plan.title, licence, "")
            writer.writerow(dict(zip(CAPTION_COLUMNS, values, strict=True)))


def _truth(plan: FilePlan, digest: str) -> dict[str, Any]:
    return {
        "path": plan.path,
        "sha256": digest,
        "artist": plan.artist,
        "album": plan.album,
        "genre": plan.brief.genre,
        "instruments": ", ".join(plan.brief.instruments),
        "mood": plan.brief.mood,
        "tempo_bpm": plan.brief.tempo_bpm,
        "key": plan.brief.key,
        "degradation": plan.fault.degradation,
        "severity": plan.fault.severity,
        "mos": true_mos(plan.fault.degradation, plan.fault.severity),
        "caption_fault": plan.fault.caption_fault,
        "true_caption": plan.true_caption,
        "duplicate_of": plan.duplicate_of,
        "duplicate_kind": plan.copy.kind if plan.copy else "",
        "licence_foreign": plan.fault.licence_foreign,
    }
