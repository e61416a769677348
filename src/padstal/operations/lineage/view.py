"""What is known of a track, a clip or a model, as one record."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.dvc_lock import LockedStage
from padstal.operations.lineage.exposure import Exposure, Model, all_models, exposures
from padstal.operations.lineage.find import Tables, facts_of, find_files, near_duplicates
from padstal.operations.lineage.history import History, read_history
from padstal.operations.lineage.stores import Stores, open_stores
from padstal.operations.lineage.tables import rows_of
from padstal.operations.lineage.trace import Trace, all_records, locks_of
from padstal.rights.licence import UNKNOWN, normalise
from padstal.rights.terms import most_restrictive
from padstal.rights.tombstones import read_tombstones

GONE = "nothing: there is no ledger, and its data are gone, so that it cannot be told what it was trained on"
OLDER = "its data set, which DVC still has; it is older than ledgers"


@dataclass(frozen=True)
class Past:
    """All that a repository remembers."""

    root: Path
    history: History
    stores: Stores
    records: list[LockedStage]

    @property
    def tables(self) -> Tables:
        return Tables(self.root, self.stores, self.records)

    def models(self) -> list[Model]:
        return all_models(self.history, self.stores, self.records)

    def trace(self, sha256s: Iterable[str]) -> Trace:
        return Trace(self.records, self.stores, frozenset(sha256s), locks_of(self.history))


def open_past(root: Path) -> Past:
    """What the repository at `root` remembers.

    Raises:
        ValueError: It has no DVC, no git, or a history that was cut.
    """
    history = read_history(root)
    stores = open_stores(root)
    return Past(root, history, stores, all_records(history, stores))


def about(past: Past, wanted: str) -> dict[str, Any]:
    """All that is known of a track, a clip or a model.

    Raises:
        ValueError: There is no such thing, or several.
    """
    models = past.models()
    versions = _versions(models, wanted)
    if versions:
        return {"kind": "model", "wanted": wanted, "versions": [_of_model(past, one, models) for one in versions]}
    sha256, clip = find_files(past.tables, wanted)
    return _of_track(past, sha256, clip, models)


def _versions(models: list[Model], wanted: str) -> list[Model]:
    """Versions of a model by a tag, or by its registered name, its own name, path, or the beginning of its MD5."""
    tagged = [one for one in models if any(wanted in (tag.tag, tag.model) for tag in one.promotions)]
    named = [one for one in models if wanted.rstrip("/") in (one.name, one.ref.path, one.ref.path.partition("/")[2])]
    hashed = [one for one in models if len(wanted) >= 6 and one.ref.md5.startswith(wanted)]
    return tagged or named or hashed


def _of_track(past: Past, sha256: str, clip: str, models: list[Model]) -> dict[str, Any]:
    facts = facts_of(past.tables, [sha256]).get(sha256, [])
    tombstone = read_tombstones(past.root / "data" / "tombstones.jsonl").get(sha256)
    trace = past.trace([sha256])
    return {
        "kind": "clip" if clip else "track",
        "sha256": sha256,
        "track_id": sha256[:16],
        "files": facts,
        "tombstone": None if tombstone is None else vars(tombstone),
        "near_duplicates": near_duplicates(past.tables, [sha256]),
        "clips": _clips(past, sha256, clip),
        "models": [exposure_record(one) for one in exposures(models, [sha256])],
        "artefacts": _artefacts(past, trace),
    }


def _clips(past: Past, sha256: str, only: str) -> list[dict[str, Any]]:
    """Clips in the workspace: split, what became of them, their captions, and where they have latents."""
    found: list[dict[str, Any]] = []
    for data in sorted((past.root / "data").glob("*/ingest/manifest.parquet")):
        folder = data.parents[1]
        rows = rows_of(str(data), ("clip_id", "sha256", "split", "offset_seconds", "clip_seconds"), [sha256])
        rows = [row for row in rows if not only or row["clip_id"] == only]
        ids = {row["clip_id"] for row in rows}
        kept = _by_clip(folder / "curate" / "dataset.parquet", ("caption", "decision", "weight"), ids)
        left = _by_clip(folder / "curate" / "removed.parquet", ("reason", "detail"), ids)
        captions = _by_clip(folder / "caption" / "captions.parquet", ("original", "caption", "decision"), ids)
        stores = {path.parent.name: _by_clip(path, ("row",), ids) for path in folder.glob("latents/*/index.parquet")}
        for row in rows:
            name = row.pop("clip_id")
            row.pop("sha256")
            fate = "removed" if name in left else "kept" if name in kept else "ingested"
            latents = {vae: of_vae[name]["row"] for vae, of_vae in sorted(stores.items()) if name in of_vae}
            words = captions.get(name, {})
            found.append(
                {"clip_id": name, "scale": folder.name, **row, "fate": fate, **left.get(name, {}), **words}
                | {"latents": latents}
            )
    return found


def _by_clip(path: Path, columns: tuple[str, ...], ids: set[str]) -> dict[str, dict[str, Any]]:
    if not ids or not path.is_file():
        return {}
    rows = rows_of(str(path), ("clip_id", *columns))
    return {
        row["clip_id"]: {name: row[name] for name in columns if name in row} for row in rows if row["clip_id"] in ids
    }


def _artefacts(past: Past, trace: Trace) -> list[dict[str, Any]]:
    """Outputs that the track went into, by path: how many versions, and whether the workspace's is one."""
    here = {
        out
        for snapshot in past.history.snapshots
        if snapshot.workspace
        for record in snapshot.lock.values()
        for out in record.outs
    }
    versions = Counter(ref.path for ref in trace.touched)
    now = {ref.path for ref in trace.touched & here}
    return [{"path": path, "versions": count, "workspace": path in now} for path, count in sorted(versions.items())]


def model_record(model: Model) -> dict[str, Any]:
    """A model version for machines."""
    return {
        "path": model.ref.path,
        "md5": model.ref.md5,
        "stage": model.stage,
        "commits": list(model.commits),
        "dates": list(model.dates),
        "workspace": model.workspace,
        "promotions": [one.tag for one in model.promotions],
        "current": [one.tag for one in model.promotions if one.current],
    }


def exposure_record(exposure: Exposure) -> dict[str, Any]:
    """A model version, how it is exposed and to which files, for machines."""
    path = exposure.model.ref.path
    return {"path": path, "how": exposure.how} | model_record(exposure.model) | {"sha256": sorted(exposure.tracks)}


def _of_model(past: Past, model: Model, models: list[Model]) -> dict[str, Any]:
    tracks = model.tracks
    facts = facts_of(past.tables, tracks or ())
    rows = [facts[sha][0] for sha in sorted(tracks or ()) if facts.get(sha)]
    licences = Counter(normalise(row["licence"]) for row in rows)
    root = past.root / model.ref.path / "tracks.json"
    return {
        **model_record(model),
        "tracks": None if tracks is None else len(tracks),
        "from_ledger": model.ledger,
        "told_by": GONE if tracks is None else "its ledger" if model.ledger else OLDER,
        "ledger_sha256": read_json(root)["sha256"] if model.workspace and root.is_file() else None,
        "built_on": [model_record(one) for one in models if one.ref in model.built_on],
        "forgotten": sorted(set(tracks or ()) & set(read_tombstones(past.root / "data" / "tombstones.jsonl"))),
        "sources": dict(sorted(Counter(row["source"] for row in rows).items())),
        "licences": dict(sorted(licences.items())),
        "most_restrictive_licence": most_restrictive(sorted(licences)) if licences else UNKNOWN,
        "artists": len({row["artist"].casefold() for row in rows if row["artist"]}),
        "not_known_any_more": None if tracks is None else len(tracks) - len(rows),
        "list": [{"sha256": sha, **(facts[sha][0] if facts.get(sha) else {})} for sha in sorted(tracks or ())],
    }
