"""Which versions of which models saw a track: from the ledgers that trainings left in git, not from what data remain.

A model saw a track if the track was in the training split it was trained on; it is exposed through another if it was
built on one that saw it (a denoiser on its autoencoder). A version without a ledger counts as exposed.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass

from padstal.core.data.track_ledger import read_ledger
from padstal.core.dvc_lock import LockedPath, LockedStage, overlap
from padstal.core.git import blobs
from padstal.core.promotion_tags import PromotionTag
from padstal.operations.lineage.runs import Runs

SAW, THROUGH, UNKNOWN = "trained on it", "built on a model that was trained on it", "cannot be told"
_LEDGER = re.compile(r"reports/[^/]+/ledger/[^/]+\.json")


@dataclass(frozen=True)
class Model:
    """One version of one model.

    Attributes:
        ref: Its folder, as DVC knows it.
        stage: That trained it; "" where only a run-cache knows of it.
        commits: Whose lock has it, the newest first; none for one that was never committed.
        workspace: Whether it is the workspace's.
        tracks: SHA-256 of the files that it was trained on; None where that cannot be told.
        built_on: Models that it was built on, however far.
        promotions: Tags that name it.
    """

    ref: LockedPath
    stage: str
    commits: tuple[str, ...]
    workspace: bool
    tracks: frozenset[str] | None
    built_on: frozenset[LockedPath]
    promotions: tuple[PromotionTag, ...]


@dataclass(frozen=True)
class Exposure:
    """A model version and how it is exposed to some files: `SAW`, `THROUGH` or `UNKNOWN`; `tracks` are those files."""

    model: Model
    how: str
    tracks: frozenset[str]


def all_models(runs: Runs) -> list[Model]:
    """Every version of every model that was trained on tracks, by path and age, the newest first."""
    history = runs.history
    made: dict[LockedPath, list[LockedStage]] = defaultdict(list)  # the same bytes may come from several
    for record in runs.records:
        for out in record.outs:
            if out.path.startswith("models/") and out.path in runs.fed:
                made[out].append(record)
    ledgers = _ledgers(runs)
    foundations = _foundations(runs, made.keys())
    order = {commit: place for place, commit in enumerate(history.commits)}
    found = []
    for ref, trainings in made.items():
        snapshots = [snapshot for snapshot in history.snapshots if ref in snapshot.outs.values()]
        commits = sorted((commit for snapshot in snapshots for commit in snapshot.commits), key=order.__getitem__)
        seen = [ledgers.get(out.md5) for run in trainings for out in run.outs if _LEDGER.fullmatch(out.path)]
        told = [tracks for tracks in seen if tracks is not None]
        tracks = frozenset[str]().union(*told) if len(told) == len(trainings) else None
        promotions = tuple(one for one in history.promotions if one.commit in commits and _names(one, ref))
        stage = next((run.name for run in trainings if run.name), "")
        here = any(snapshot.workspace for snapshot in snapshots)
        found.append(Model(ref, stage, tuple(commits), here, tracks, foundations[ref], promotions))
    return sorted(found, key=lambda one: (one.ref.path, order[one.commits[0]] if one.commits else -1, one.ref.md5))


def exposures(models: Iterable[Model], sha256s: Collection[str]) -> list[Exposure]:
    """Model versions that are exposed to any of the files."""
    wanted = frozenset(sha256s)
    by_ref = {model.ref: model for model in models}
    found = []
    for model in by_ref.values():
        below = [by_ref[ref].tracks for ref in model.built_on]
        own = (model.tracks or frozenset()) & wanted
        through = wanted.intersection(frozenset().union(*(tracks for tracks in below if tracks)))
        if own:
            found.append(Exposure(model, SAW, own | through))
        elif model.tracks is None:
            found.append(Exposure(model, UNKNOWN, wanted))
        elif through:
            found.append(Exposure(model, THROUGH, through))
        elif None in below:
            found.append(Exposure(model, UNKNOWN, wanted))
    return found


def _names(promotion: PromotionTag, ref: LockedPath) -> bool:
    return ref.path == promotion.path or (not promotion.path and ref.path.endswith(f"/{promotion.model}"))


def _ledgers(runs: Runs) -> dict[str, frozenset[str]]:
    """Ledgers by the MD5 of their file: from git first, then the workspace, then DVC's objects."""
    root, commits = runs.history.root, runs.history.commits
    wanted = {out for out in runs.makers if _LEDGER.fullmatch(out.path)}
    paths = sorted({ref.path for ref in wanted})
    contents = set(blobs(root, [f"{commit}:./{path}" for path in paths for commit in commits]))
    contents |= {(root / path).read_bytes() for path in paths if (root / path).is_file()}
    by_md5 = {hashlib.md5(content).hexdigest(): content for content in contents if content is not None}
    found = {}
    for ref in wanted:
        content = by_md5.get(ref.md5) or runs.stores.read(ref.md5)
        try:
            found[ref.md5] = read_ledger(content or b"")
        except ValueError:
            continue
    return found


def _foundations(runs: Runs, models: Set[LockedPath]) -> dict[LockedPath, frozenset[LockedPath]]:
    """Model → the models that it was built on, however far.

    Where it cannot be told what a dependency was made of, that is what lies there in the same lock, or, for a run that
    only a run-cache knows, in any.
    """
    found: dict[LockedPath, set[LockedPath]] = {ref: set() for ref in models}
    locks = [{out: run for run in snapshot.lock.values() for out in run.outs} for snapshot in runs.history.snapshots]
    committed = {out for lock in locks for out in lock}
    for made, asked in [*((lock, found.keys() & lock.keys()) for lock in locks), (runs.makers, models - committed)]:
        for ref in asked:
            waiting, seen = [made[ref]], {ref}
            while waiting:
                for dep in waiting.pop().deps:
                    parts = runs.parts(dep)
                    if parts is None:
                        parts = frozenset(out for out in made if overlap(dep.path, out.path))
                    waiting += [made.get(part, runs.makers[part]) for part in parts - seen]
                    seen |= parts
            found[ref] |= (seen & found.keys()) - {ref}
    return {ref: frozenset(below) for ref, below in found.items()}
