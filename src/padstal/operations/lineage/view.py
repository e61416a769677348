"""What is known of a track, a clip or a model, as one record."""

from collections import Counter
from pathlib import Path
from typing import Any

from padstal.operations.lineage.exposure import Exposure, Model, all_models, exposures
from padstal.operations.lineage.find import facts_of, find_file, near_duplicates
from padstal.operations.lineage.runs import Runs
from padstal.operations.lineage.tables import rows_of
from padstal.operations.lineage.trace import Trace
from padstal.rights.licence import normalise
from padstal.rights.tombstones import read_tombstones

TOMBSTONES = Path("data") / "tombstones.jsonl"


def about(runs: Runs, wanted: str) -> dict[str, Any]:
    """All that is known of a track, a clip or a model.

    Raises:
        ValueError: There is no such thing, or several.
    """
    models = all_models(runs)
    if versions := _versions(models, wanted):
        return {"kind": "model", "wanted": wanted, "versions": [_of_model(runs, one) for one in versions]}
    name = wanted.rpartition("@")[0]
    if name and (found := _versions(models, name)):
        tags = dict.fromkeys(tag.tag for one in found for tag in one.promotions if tag.version)
        raise ValueError(f"{wanted!r}: no such version; versions: {', '.join(tags) or 'none, it was never promoted'}")
    known = dict.fromkeys(one.ref.path.split("/", 2)[-1] for one in models)
    return _of_track(runs, find_file(runs, wanted, tuple(known)), models)


def _versions(models: list[Model], wanted: str) -> list[Model]:
    """Versions of a model by a tag or its registered name, else by its path or the end of it."""
    tagged = [one for one in models if any(wanted in (tag.tag, tag.model) for tag in one.promotions)]
    return tagged or [one for one in models if f"/{one.ref.path}".endswith(f"/{wanted.rstrip('/')}")]


def _of_track(runs: Runs, sha256: str, models: list[Model]) -> dict[str, Any]:
    tombstone = read_tombstones(runs.history.root / TOMBSTONES).get(sha256)
    touched = Trace(runs, [sha256]).touched
    here = {out for snapshot in runs.history.snapshots if snapshot.workspace for out in snapshot.outs.values()}
    versions = sorted(Counter(ref.path for ref in touched).items())
    now = {ref.path for ref in touched & here}
    return {
        "kind": "track",
        "sha256": sha256,
        "track_id": sha256[:16],
        "files": facts_of(runs, [sha256]).get(sha256, []),
        "tombstone": None if tombstone is None else vars(tombstone),
        "near_duplicates": near_duplicates(runs, [sha256]),
        "clips": [
            {"scale": manifest.parts[-3]} | row
            for manifest in sorted((runs.history.root / "data").glob("*/ingest/manifest.parquet"))
            for row in rows_of(str(manifest), ("clip_id", "split", "offset_seconds", "sha256"), [sha256])
        ],
        "models": [exposure_record(one) for one in exposures(models, [sha256])],
        "artefacts": [{"path": path, "versions": count, "workspace": path in now} for path, count in versions],
    }


def model_record(model: Model) -> dict[str, Any]:
    """A model version for machines."""
    return {
        "path": model.ref.path,
        "md5": model.ref.md5,
        "stage": model.stage,
        "commits": len(model.commits),
        "first_commit": model.commits[-1] if model.commits else None,
        "last_commit": model.commits[0] if model.commits else None,
        "workspace": model.workspace,
        "promotions": [one.tag for one in model.promotions],
        "current": [one.tag for one in model.promotions if one.current],
    }


def exposure_record(exposure: Exposure) -> dict[str, Any]:
    """A model version, how it is exposed and to which files, for machines."""
    return {**model_record(exposure.model), "how": exposure.how, "sha256": sorted(exposure.tracks)}


def _of_model(runs: Runs, model: Model) -> dict[str, Any]:
    tracks = sorted(model.tracks or ())
    facts = {sha: rows[0] for sha, rows in facts_of(runs, tracks).items()}
    licences = Counter(normalise(row["licence"]) for row in facts.values())
    return {
        **model_record(model),
        "tracks": None if model.tracks is None else len(tracks),  # without a ledger it cannot be told
        "built_on": [f"{ref.path} {ref.md5}" for ref in sorted(model.built_on)],
        "forgotten": sorted(set(tracks) & set(read_tombstones(runs.history.root / TOMBSTONES))),
        "licences": dict(sorted(licences.items())),
        "list": [{"sha256": sha, **facts.get(sha, {})} for sha in tracks],
    }
