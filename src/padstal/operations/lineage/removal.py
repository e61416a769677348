"""The removal of forgotten tracks: planned once, written down, then done step by step until nothing of it is left.

The tombstone comes first, so that nothing takes the tracks in again; then the plan goes to `.state/forget.json`, for
the tables that it was made from are removed too. Each step can be done twice. A removal that was killed, or could not
reach a remote, is completed by running it again; the plan goes when every object was looked for and none was found.
"""

import re
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import RUNS, key_of
from padstal.ingest.config import S3Source
from padstal.ingest.s3.mirror_index import Index
from padstal.ingest.s3.objects import client_of
from padstal.ingest.s3.versions import erase
from padstal.operations.integrity.remotes import QUARANTINE, RemoteError, Store
from padstal.operations.lineage.checkouts import (
    forget_mirrors,
    forget_state,
    paths_to_remove,
    scale_of,
    state_folders,
)
from padstal.operations.lineage.stores import Stores, remove
from padstal.operations.lineage.trace import Trace

JOURNAL = ".state/forget.json"


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
    """What a removal did: place → how much went from it, place → why it could not be done, what one should know."""

    removed: dict[str, int]
    failed: dict[str, str]
    notes: tuple[str, ...]


def make_plan(root: Path, trace: Trace, kept: Collection[LockedPath]) -> Plan:
    """What to remove of what `trace` tells; models that are `kept` hold nothing of the tracks themselves and stay."""
    return Plan(
        sha256s=tuple(sorted(trace.sha256s)),
        objects=tuple(trace.to_remove(kept)),
        paths=tuple(map(str, paths_to_remove(root, trace, kept))),
        scales=tuple(sorted({scale_of(ref.path) for ref in trace.touched} - {""})),
    )


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


def carry_out(root: Path, plan: Plan, stores: Stores) -> RemovalResult:
    """Write the plan down and do it; remotes first, since they are what may fail, and the cache can plan again."""
    write_json(root / JOURNAL, asdict(plan))
    removed, failed, notes = {}, {}, []
    for store in [*stores.all[1:], stores.all[0]]:
        try:
            removed[store.name], note = _clear(store, plan)
            notes += [note] if note else []
        except Exception as error:  # DVC's file systems raise what their libraries raise
            failed[store.name] = str(error) or type(error).__name__
    for path in map(Path, tqdm(plan.paths, desc="forget", unit="path", leave=False, disable=None)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    removed["workspace"] = len(plan.paths)
    removed["state"] = sum(forget_state(folder, plan.sha256s, plan.scales) for folder in state_folders(root))
    removed["mirrors"] = forget_mirrors(root, plan.sha256s)
    if not failed:
        (root / JOURNAL).unlink(missing_ok=True)
    return RemovalResult(removed, failed, tuple(notes))


def _clear(store: Store, plan: Plan) -> tuple[int, str]:
    """Remove the plan's objects, and run-cache entries that name one, from one store; how many, and a note.

    Raises:
        RemoteError: Something is still there afterwards.
    """
    wanted = set(plan.objects)
    there = wanted & store.objects().keys()
    entries = [entry.key for entry in store.entries(RUNS) if wanted & _named(store.read(entry.key))]
    aside = [entry.key for entry in store.entries(QUARANTINE) if _may_hold(entry.key, wanted)]
    candidates = [md5 for md5 in plan.objects if md5 in there or store.kind == "s3"]  # in S3 old versions count as well
    note = remove(store, [*map(key_of, candidates), *aside, *entries])
    left = sorted(wanted & store.objects().keys())
    if left:
        raise RemoteError(f"{store.name}: {len(left)} objects are still there after they were removed: {left[:3]}")
    return len(there) + len(entries), note


def _may_hold(key: str, objects: set[str]) -> bool:
    """Whether what `padstal fsck` moved aside was one of these objects, or a file of the data in the workspace."""
    return key.startswith(f"{QUARANTINE}workspace/data/") or bool(objects & _named(key.encode()))


def _named(entry: bytes) -> set[str]:
    return set(re.findall(r"\b[0-9a-f]{32}(?:\.dir)?\b", entry.decode("utf-8", "replace")))
