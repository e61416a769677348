"""The removal of forgotten tracks: planned once, written down, then done step by step until nothing of it is left.

The tombstone comes first, so that nothing takes the tracks in again; then the plan goes to `.state/forget.json`, for
the tables that it was made from are removed too. Each step can be done twice. A removal that was killed, or could not
reach a remote, is completed by running it again; the plan goes when every object was looked for and none was found.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import RUNS, key_of
from padstal.ingest.config import S3Source
from padstal.ingest.s3.mirror_index import Index
from padstal.ingest.s3.objects import client_of
from padstal.ingest.s3.versions import erase
from padstal.operations.integrity.remotes import QUARANTINE, RemoteError, Store
from padstal.operations.lineage.checkouts import checkouts, forget_mirrors, forget_state, state_folders, unlink_all
from padstal.operations.lineage.exposure import SAW, THROUGH, Exposure
from padstal.operations.lineage.stores import Stores, present, remove
from padstal.operations.lineage.trace import Trace

JOURNAL = ".state/forget.json"
Progress = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Plan:
    """What is to be removed.

    Attributes:
        sha256s: The files.
        objects: MD5s of DVC's objects, in the order of their removal.
        paths: Files and folders of checkouts.
        scales: Whose data held the tracks.
    """

    sha256s: tuple[str, ...]
    objects: tuple[str, ...]
    paths: tuple[str, ...]
    scales: tuple[str, ...]

    def joined(self, other: "Plan") -> "Plan":
        """Both."""
        mine, theirs = asdict(self), asdict(other)
        return Plan(**{name: tuple(dict.fromkeys([*mine[name], *theirs[name]])) for name in mine})


@dataclass(frozen=True)
class RemovalResult:
    """What a removal did, and what it could not do.

    Attributes:
        removed: Place → objects that were there and are gone.
        runs: Entries of run-caches that named one.
        paths, state, mirrored: Files and folders of checkouts, of `.state/` and of mirrors.
        failed: Place → why it could not be done.
        notes: What a person should know.
    """

    removed: dict[str, int]
    runs: int
    paths: int
    state: int
    mirrored: int
    failed: dict[str, str]
    notes: tuple[str, ...]


def make_plan(
    root: Path, trace: Trace, exposed: Iterable[Exposure], *, remove_models: bool
) -> tuple[Plan, frozenset[LockedPath]]:
    """What to remove, and the models that hold nothing of the tracks themselves and stay.

    Args:
        root: The repository.
        trace: Of the files.
        exposed: Models that saw them.
        remove_models: Whether models that saw them, or were built on one that did, go too.
    """
    going = {one.model.ref for one in exposed if one.how in (SAW, THROUGH)} if remove_models else set()
    models = {ref for ref in trace.touched if ref.path.startswith("models/")}
    kept = frozenset(models - going)
    touched = trace.touched - kept
    paths = [str(path) for one in checkouts(root) for path in one.held(trace.sha256s, touched, trace.clean)]
    scales = {ref.path.split("/")[1] for ref in trace.touched if ref.path.count("/") > 1}
    plan = Plan(
        sha256s=tuple(sorted(trace.sha256s)),
        objects=tuple(trace.to_remove(kept)),
        paths=tuple(paths),
        scales=tuple(sorted(scales)),
    )
    return plan, kept


def source_files(root: Path, sources: Collection[dict[str, Any]], sha256s: Collection[str]) -> list[tuple[str, str]]:
    """Files of folder sources and keys of bucket sources with these contents: ("file", path) or ("s3://…", key).

    A bucket's are told by what the mirror recorded when they came; a folder's by reading it.
    """
    found = []
    for source in sources:
        if source["kind"] == "folder":
            folder = root / source["path"]
            files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
            found += [("file", str(path)) for path in files if sha256_file(path) in sha256s]
        if source["kind"] == "s3":
            entries = Index(root / "data" / "mirror" / source["name"]).entries
            found += [(source["uri"], key) for key, entry in entries.items() if entry.sha256 in sha256s]
    return found


def remove_sources(sources: Collection[dict[str, Any]], found: Collection[tuple[str, str]]) -> None:
    """Remove them; in a bucket with all versions.

    Raises:
        StoreError: A bucket refuses.
    """
    for kind, path in found:
        if kind == "file":
            Path(path).unlink(missing_ok=True)
    for source in sources:
        keys = [key for uri, key in found if source["kind"] == "s3" and uri == source["uri"]]
        if keys:
            bucket = S3Source.model_validate(source)
            erase(client_of(bucket), bucket.bucket, [bucket.prefix + key for key in keys])


def pending(root: Path) -> Plan | None:
    """The plan of a removal that was not completed."""
    file = root / JOURNAL
    if not file.is_file():
        return None
    return Plan(**{name: tuple(values) for name, values in read_json(file).items()})


def write_down(root: Path, plan: Plan) -> None:
    """Keep the plan until it is done."""
    write_json(root / JOURNAL, asdict(plan))


def carry_out(root: Path, plan: Plan, stores: Stores, show: Progress) -> RemovalResult:
    """Do what the plan says; remotes first, since they are what may fail, and the cache can plan again for them."""
    removed, failed, notes, runs = {}, {}, [], 0
    for store in [*stores.all[1:], stores.all[0]]:
        try:
            removed[store.name], of_runs, note = _clear(store, plan, show)
            runs += of_runs
            notes += [note] if note else []
        except Exception as error:  # DVC's file systems raise what their libraries raise
            failed[store.name] = str(error) or type(error).__name__
    paths = unlink_all(map(Path, plan.paths), show)
    state = sum(forget_state(folder, plan.sha256s, plan.scales) for folder in state_folders(root))
    mirrored = forget_mirrors(root, plan.sha256s)
    if not failed:
        (root / JOURNAL).unlink(missing_ok=True)
    return RemovalResult(removed, runs, paths, state, mirrored, failed, tuple(notes))


def _clear(store: Store, plan: Plan, show: Progress) -> tuple[int, int, str]:
    """Remove the plan's objects, and run-cache entries that name one, from one store; both counts and a note.

    Raises:
        RemoteError: Something is still there afterwards.
    """
    wanted = set(plan.objects)
    there = present(store, plan.objects)
    entries = [entry.key for entry in store.entries(RUNS) if wanted & set(_named(store.read(entry.key)))]
    aside = [entry.key for entry in store.entries(QUARANTINE) if _may_hold(entry.key, wanted)]
    candidates = plan.objects if store.kind == "s3" else there  # old versions of what is not there now count as well
    note = remove(store, [*map(key_of, candidates), *aside, *entries], show)
    left = present(store, plan.objects)
    if left:
        raise RemoteError(f"{store.name}: {len(left)} objects are still there after they were removed: {left[:3]}")
    return len(there), len(entries), note


def _may_hold(key: str, objects: Collection[str]) -> bool:
    """Whether what `padstal fsck` moved aside was one of these objects, or a file of the data in the workspace."""
    return key.startswith(f"{QUARANTINE}workspace/data/") or not set(_named(key.encode())).isdisjoint(objects)


def _named(entry: bytes) -> list[str]:
    return re.findall(r"\b[0-9a-f]{32}(?:\.dir)?\b", entry.decode("utf-8", "replace"))
