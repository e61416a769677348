"""The catalogue: every clip and every refused file with all that the stages run so far know of it, in one table.

Works at any point of a half-finished pipeline: what a stage has not said yet is missing, and `STANDING` names the stage
that would say it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import pandas as pd

from padstal.core.data.content import ADDRESS_DIGITS
from padstal.core.data.manifest import ClipAudio
from padstal.core.dvc_lock import outs_of, stages_here
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.reporting.inputs import Inputs, data_tables, read_record

KEPT, REMOVED, QUARANTINED, OPEN = "kept", "removed", "quarantined", "not curated"
NAMED = 8
"""Candidates that an error message names."""
SHORTEST_PREFIX = 3
SHA256_DIGITS = 64
TELLS = {
    "ingest": "provenance, licence, split, audio statistics; quarantine",
    "validate": "whether the data hold what was expected",
    "gate": "whether the run may go on",
    "score": "p-MOS, quality level and prefix",
    "caption": "generated and refined captions, similarities, decision",
    "curate": "duplicates, likelihood, what leaves and why, sample weights",
    "encode": "latents",
}
"""Stage → what it says about the data, in the order of `dvc.yaml`."""
COLUMN_OF = {"decision": "caption", "quality_level": "score", "pmos": "score", "log_likelihood": "curate"}
"""Column → the stage that fills it."""


@dataclass(frozen=True)
class Standing:
    """One stage: "done", "not run", or "stale" (written for other sources, or other clips, than those there are now).

    Attributes:
        stage: Its name.
        state: As above.
        tells: What it says of the data.
        foreign: Whether git has figures of it, which are of other data.
    """

    stage: str
    state: str
    tells: str
    foreign: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Everything known of a scale's data.

    Attributes:
        inputs: The stages' tables as they are.
        items: One row a clip or refused file: the manifest's columns, those of scores, captions and curation, and
            `item` (clip id; of a refused file its sha256's beginning, or its path), `fate` (`KEPT`, `REMOVED`,
            `QUARANTINED` or `OPEN`), `reason`, `detail`.
        standing: How far the pipeline has come.
    """

    inputs: Inputs
    items: pd.DataFrame
    standing: tuple[Standing, ...]

    @property
    def clips(self) -> pd.DataFrame:
        return self.items[self.items["fate"] != QUARANTINED]

    def knows(self, column: str) -> bool:
        """Whether any item has a value in `column`."""
        return column in self.items and bool(self.items[column].notna().any())

    @property
    def next_stage(self) -> str | None:
        """The first stage that has not run, or was run on other clips."""
        return next((one.stage for one in self.standing if one.state != "done"), None)


def read_catalogue(paths: Paths) -> Catalogue:
    """The catalogue of `paths.scale`.

    Raises:
        FileNotFoundError: Not even `ingest` has run.
    """
    tables = data_tables(paths)
    if tables["manifest"] is None:
        raise FileNotFoundError(
            f"scale {paths.scale}: no {(paths.ingest / 'manifest.parquet').relative_to(paths.root)}; run "
            "`dvc repro ingest` (or `dvc pull`), or name another scale with --scale"
        )
    inputs = Inputs(
        scale=paths.scale,
        params={},
        metrics={name: read_record(paths.metrics(name)) or {} for name in ("ingest", "curate")},
        curves={},
        **tables,
        verdict=read_record(paths.validate("ingest") / "verdict.json"),
        clip_audio=ClipAudio(paths.ingest),
    )
    standing = _standing(inputs, paths)
    foreign = {one.stage for one in standing if one.foreign}
    own = {stage: metrics for stage, metrics in inputs.metrics.items() if stage not in foreign}
    return Catalogue(replace(inputs, metrics=own), _items(inputs), standing)


def find(catalogue: Catalogue, wanted: str) -> pd.DataFrame:
    """The rows that `wanted` names: one clip, all clips of one track, or one refused file.

    Args:
        catalogue: Where to look.
        wanted: Clip id, track id, sha256, a unique beginning of one of them (at least `SHORTEST_PREFIX` digits), a
            path, or a unique end of a path.

    Raises:
        ValueError: Nothing, or more than one thing, is so named; the message lists candidates.
    """
    items, low = catalogue.items, wanted.casefold()
    for column in ("track_id", "item", "path", "sha256"):
        rows = items[items[column] == wanted]
        if wanted and len(rows):
            return _one_file(rows, wanted)
    if len(low) >= SHORTEST_PREFIX:
        begin = {column: items[items[column].str.startswith(low)] for column in ("track_id", "item", "sha256")}
        named = {name: rows for column in begin for name, rows in begin[column].groupby(column, sort=True)}
        short = {name: rows for name, rows in named.items() if len(name) < SHA256_DIGITS or len(low) > ADDRESS_DIGITS}
        if len(short) > 1:
            raise _ambiguous(wanted, [f"{name} ({rows['path'].iloc[0]})" for name, rows in short.items()])
        if short:
            return _one_file(next(iter(short.values())), wanted)
        rows = items[items["path"].str.casefold().str.endswith(low)]
        if len(rows):
            return _one_file(rows, wanted)
    raise ValueError(f"{wanted!r}: no clip, track or file of scale {catalogue.inputs.scale}{_near(items, low)}")


def _one_file(rows: pd.DataFrame, wanted: str) -> pd.DataFrame:
    """`rows`, if they are of one file; its exact copies in quarantine do not count beside it."""
    used = rows[rows["fate"] != QUARANTINED]
    rows = used if len(used) else rows
    files = rows["source"] + ": " + rows["path"]
    if files.nunique() > 1:
        raise _ambiguous(wanted, files.unique().tolist())
    return rows.sort_values("offset_seconds", kind="stable")


def _ambiguous(wanted: str, names: Sequence[str]) -> ValueError:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ValueError(f"{wanted!r} could be any of {len(names)}: {', '.join(names[:NAMED])}{more}; say more of one")


def _near(items: pd.DataFrame, low: str) -> str:
    """ "; near: …" with paths that hold the text, else ids and paths that look like it."""
    paths = items["path"].drop_duplicates()
    close = paths[paths.str.casefold().str.contains(low, regex=False)].head(NAMED).tolist() if low else []
    if not close:
        names = [*paths.head(20_000), *items["item"].head(20_000)]
        close = get_close_matches(low, names, n=NAMED, cutoff=0.6)
    return f"; near: {', '.join(close)}" if close else "; `padstal data list` lists them"


def _items(inputs: Inputs) -> pd.DataFrame:
    assert inputs.manifest is not None
    clips = inputs.manifest.rename(columns={"caption": "written"})
    for table in (inputs.scores, inputs.captions):
        if table is not None:
            new = [name for name in table if name == "clip_id" or name not in clips]
            clips = clips.merge(table[new], on="clip_id", how="left")
    if inputs.captions is None:
        clips = clips.assign(caption=clips["written"])
    clips = clips.assign(item=clips["clip_id"], fate=OPEN, reason="", detail="")
    if inputs.dataset is not None:
        found = [name for name in ("log_likelihood", "duplicate_group", "weight") if name in inputs.dataset]
        told = [inputs.dataset[["clip_id", *found]].assign(fate=KEPT, reason="", detail="")]
        if inputs.removed is not None and len(inputs.removed):
            about = [name for name in ("reason", "detail", *found) if name in inputs.removed]
            told.append(inputs.removed[["clip_id", *about]].assign(fate=REMOVED))
        clips = clips.drop(columns=["fate", "reason", "detail"]).merge(pd.concat(told), on="clip_id", how="left")
        clips = clips.fillna({"fate": OPEN, "reason": "", "detail": ""})
    if inputs.quarantine is None or not len(inputs.quarantine):
        return clips
    refused = inputs.quarantine.assign(fate=QUARANTINED)
    named = refused["sha256"].str[:ADDRESS_DIGITS] if "sha256" in refused else pd.Series("", index=refused.index)
    refused = refused.assign(item=named.where(named != "", refused["path"]))
    both = pd.concat([clips, refused], ignore_index=True)
    texts = [name for name in ("clip_id", "artist", "album", "title", "licence", "split", "tags") if name in both]
    return both.assign(**{name: both[name].fillna("") for name in (*texts, "track_id", "source", "sha256", "detail")})


def _standing(inputs: Inputs, paths: Paths) -> tuple[Standing, ...]:
    assert inputs.manifest is not None
    ids = set(inputs.manifest["clip_id"])
    covered = {
        "score": inputs.scores,
        "caption": inputs.captions,
        "curate": None if inputs.dataset is None else pd.concat([inputs.dataset, inputs.removed])[["clip_id"]],
    }
    verdict = inputs.verdict
    latents = sorted(
        folder.name for folder in (paths.data / "latents").glob("*") if (folder / "index.parquet").exists()
    )
    there = {"ingest": True, "validate": verdict is not None, "gate": (paths.gate("ingest") / "passed.json").is_file()}
    standing, old = [], outdated(paths)
    for stage, tells in TELLS.items():
        if stage in covered:
            table = covered[stage]
            state = "not run" if table is None else "done" if set(table["clip_id"]) == ids else "stale"
        elif stage == "encode":
            state, tells = ("done", f"{tells} of {', '.join(latents)}") if latents else ("not run", tells)
        else:
            state = "done" if there[stage] else "not run"
        if state == "done" and old:
            state = "stale"
        foreign = (
            state != "done" and stage != "ingest" and bool(list((paths.reports / "metrics").glob(f"{stage}*.json")))
        )
        standing.append(Standing(stage, state, tells, foreign))
    return tuple(standing)


def outdated(paths: Paths, stage: str = "ingest") -> bool:
    """Whether data that `stage` read, or sources or params of `ingest`, are others now, as far as `dvc.lock` says."""
    stages = stages_here(paths.root)
    locked, made = stages.get("ingest"), outs_of(stages)
    read = stages[stage].deps if stage in stages else ()
    if any(dep != made.get(dep.path, dep) for dep in read if dep.path.startswith(f"data/{paths.scale}/")):
        return True
    if locked is None:
        return False
    sources = paths.sources.relative_to(paths.root).as_posix()
    known = next((dep.md5 for dep in locked.deps if dep.path == sources), "")
    if known and hashlib.md5(paths.sources.read_bytes(), usedforsecurity=False).hexdigest() != known:
        return True
    took = locked.params.get("params.yaml", {}).get(f"scales.{paths.scale}.ingest")
    now = read_yaml(paths.params)["scales"][paths.scale]["ingest"] if took else None
    return bool(took) and json.dumps(took, sort_keys=True) != json.dumps(now, sort_keys=True)
