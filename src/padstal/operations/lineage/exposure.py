"""Which versions of which models saw a track: from the ledgers that trainings left in git, not from what data remain.

A model saw a track if the track was in the training split it was trained on; it is exposed through another if it was
built on one that saw it (a denoiser on its autoencoder). Versions from before there were ledgers are told from their
data set where DVC still has it; where it does not, that is said, and they count as exposed.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from padstal.core.data.track_ledger import read_ledger
from padstal.core.dvc_lock import LockedPath, LockedStage
from padstal.operations.lineage.history import History, Promotion
from padstal.operations.lineage.stores import Stores
from padstal.operations.lineage.tables import rows_of
from padstal.operations.lineage.trace import fed_paths, overlap

SAW, THROUGH, UNKNOWN = "trained on it", "built on a model that was trained on it", "cannot be told"
DATASET = "dataset.parquet"
_LEDGER = re.compile(r"reports/[^/]+/ledger/[^/]+\.json")


@dataclass(frozen=True)
class Model:
    """One version of one model.

    Attributes:
        ref: Its folder, as DVC knows it.
        stage: That trained it; "" where only a run-cache knows of it.
        commits: Whose lock has it, the newest first; none for one that was never committed.
        dates: Of the first and the last of these; "" for none.
        workspace: Whether it is the workspace's.
        tracks: SHA-256 of the files that it was trained on; None where that cannot be told.
        ledger: Whether they are from a ledger.
        built_on: Models that it was built on, however far.
        promotions: Tags that name it.
    """

    ref: LockedPath
    stage: str
    commits: tuple[str, ...]
    dates: tuple[str, str]
    workspace: bool
    tracks: frozenset[str] | None
    ledger: bool
    built_on: frozenset[LockedPath] = frozenset()
    promotions: tuple[Promotion, ...] = ()

    @property
    def name(self) -> str:
        return self.ref.path.rpartition("/")[2]


@dataclass(frozen=True)
class Exposure:
    """A model version and how it is exposed to some files: `SAW`, `THROUGH` or `UNKNOWN`; `tracks` are those files."""

    model: Model
    how: str
    tracks: frozenset[str]


def all_models(history: History, stores: Stores, records: Iterable[LockedStage]) -> list[Model]:
    """Every version of every model that was trained on tracks, by path and age.

    Args:
        history: Of the repository.
        stores: For versions without a ledger.
        records: Of all runs, as of `trace.all_records`.
    """
    records = list(records)
    fed = fed_paths(records)
    ledgers = _ledgers(history, stores, records)
    placed = _placed(history)
    found: dict[LockedPath, Model] = {}
    for record in records:
        for ref in (out for out in record.outs if out.path.startswith("models/") and out.path in fed):
            seen = next((ledgers.get(out.md5) for out in record.outs if _LEDGER.fullmatch(out.path)), None)
            tracks = seen if seen is not None else _from_data_set(record, stores)
            commits, here = placed.get(ref, ((), False))
            dates = (history.dates[commits[-1]], history.dates[commits[0]]) if commits else ("", "")
            before = found.get(ref)
            if before is not None:  # the same bytes from two runs
                both = None if tracks is None or before.tracks is None else tracks | before.tracks
                known = before.ledger and seen is not None
                found[ref] = replace(before, stage=before.stage or record.name, tracks=both, ledger=known)
            else:
                found[ref] = Model(ref, record.name, commits, dates, here, tracks, seen is not None)
    foundations = _foundations(history, records, set(found))
    promoted = _promoted(history, set(found))
    whole = [
        replace(model, built_on=foundations[ref], promotions=tuple(promoted.get(ref, ())))
        for ref, model in found.items()
    ]
    order = {commit: place for place, commit in enumerate(history.dates)}
    newest = len(order)
    return sorted(
        whole, key=lambda one: (one.ref.path, -order.get(one.commits[-1], newest) if one.commits else 1, one.ref.md5)
    )


def exposures(models: Iterable[Model], sha256s: Collection[str]) -> list[Exposure]:
    """Model versions that are exposed to any of the files."""
    wanted = frozenset(sha256s)
    by_ref = {model.ref: model for model in models}
    found = []
    for model in by_ref.values():
        own = frozenset() if model.tracks is None else model.tracks & wanted
        below = [by_ref[ref] for ref in model.built_on if ref in by_ref]
        through = frozenset().union(*(one.tracks & wanted for one in below if one.tracks is not None))
        if own:
            found.append(Exposure(model, SAW, own | through))
        elif model.tracks is None:
            found.append(Exposure(model, UNKNOWN, wanted))
        elif through:
            found.append(Exposure(model, THROUGH, through))
        elif any(one.tracks is None for one in below):
            found.append(Exposure(model, UNKNOWN, wanted))
    return found


def _ledgers(history: History, stores: Stores, records: Iterable[LockedStage]) -> dict[str, frozenset[str]]:
    """Ledgers by the MD5 of their file: from git first, then the workspace, then DVC's objects."""
    wanted = {out for record in records for out in record.outs if _LEDGER.fullmatch(out.path)}
    found: dict[str, frozenset[str]] = {}
    for path in sorted({ref.path for ref in wanted}):
        contents = list(history.blobs(path, history.dates).values())
        here = history.root / path
        if here.is_file():
            contents.append(here.read_bytes())
        for content in contents:
            _keep(found, content)
    for ref in wanted:
        stored = None if ref.md5 in found else stores.read(ref.md5)
        if stored is not None:
            _keep(found, stored)
    return found


def _keep(found: dict[str, frozenset[str]], content: bytes) -> None:
    try:
        found[hashlib.md5(content).hexdigest()] = read_ledger(content)
    except ValueError:
        return


def _from_data_set(record: LockedStage, stores: Stores) -> frozenset[str] | None:
    """Files of the training split of the data set that a training read, from DVC's objects."""
    dep = next((dep for dep in record.deps if dep.path.endswith("/curate") and dep.is_folder), None)
    md5 = (stores.folder(dep.md5) or {}).get(DATASET) if dep else None
    content = stores.read(md5) if md5 else None
    if content is None:
        return None
    return frozenset(str(row["sha256"]) for row in rows_of(content, ("sha256", "split")) if row["split"] == "train")


def _placed(history: History) -> dict[LockedPath, tuple[tuple[str, ...], bool]]:
    """Output → the commits whose lock has it, the newest first, and whether the workspace's has."""
    order = {commit: place for place, commit in enumerate(history.dates)}
    commits: dict[LockedPath, list[str]] = {}
    here = set()
    for snapshot in history.snapshots:
        for out in (out for record in snapshot.lock.values() for out in record.outs):
            commits.setdefault(out, []).extend(snapshot.commits)
            if snapshot.workspace:
                here.add(out)
    return {ref: (tuple(sorted(of_ref, key=order.__getitem__)), ref in here) for ref, of_ref in commits.items()}


def _foundations(
    history: History, records: list[LockedStage], models: set[LockedPath]
) -> dict[LockedPath, frozenset[LockedPath]]:
    """Model → the models that it was built on, however far.

    A dependency is the output of the same lock that it names, or, where the lock's own is another by now, the one of
    that MD5 that another run made.
    """
    makers: dict[LockedPath, list[LockedStage]] = {}
    for record in records:
        for out in record.outs:
            makers.setdefault(out, []).append(record)
    locks = [
        {out: record for record in snapshot.lock.values() for out in record.outs} for snapshot in history.snapshots
    ]
    committed = {out for lock in locks for out in lock}
    rest = {out: record for record in records for out in record.outs}
    found: dict[LockedPath, set[LockedPath]] = {ref: set() for ref in models}
    for lock, told in [*((lock, models & set(lock)) for lock in locks), (rest, models - committed)]:
        paths = {out.path: out for out in lock}
        for ref in told:
            waiting, seen = [lock[ref]], {ref}
            while waiting:
                for dep in waiting.pop().deps:
                    same = paths.get(dep.path)
                    stale = same is not None and same.md5 != dep.md5
                    parts = [dep] if stale else [out for path, out in paths.items() if overlap(dep.path, path)]
                    for part in (part for part in parts if part in makers and part not in seen):
                        seen.add(part)
                        waiting.append(lock.get(part) or makers[part][0])
            found[ref] |= (seen & models) - {ref}
    return {ref: frozenset(below) for ref, below in found.items()}


def _promoted(history: History, models: set[LockedPath]) -> dict[LockedPath, list[Promotion]]:
    """Model → the tags that name it."""
    lock_of = {commit: snapshot.lock for snapshot in history.snapshots for commit in snapshot.commits}
    found: dict[LockedPath, list[Promotion]] = {}
    for promotion in history.promotions:
        outs = [out for record in lock_of.get(promotion.commit, {}).values() for out in record.outs if out in models]
        for out in outs:
            if out.path == promotion.path or (not promotion.path and out.path.rpartition("/")[2] == promotion.model):
                found.setdefault(out, []).append(promotion)
    return found
