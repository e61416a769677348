"""Which outputs of any recorded run a track went into: from `ingest`, whose tables name it, down the runs' own records.

A run is clean if all that it read was made by clean runs, or by none. An output that a clean run made too is clean: its
bytes can be had without the track. What cannot be told counts as holding it.

Records are matched by path *and* MD5, so that a lock of which only a part was run again is read as what it is. Of a
folder of several outputs (`data/demo/latents`) a run has DVC's MD5 of them together, computed here from theirs.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from padstal.core.dvc_lock import LockedPath, LockedStage, outs_of, overlap, read_run
from padstal.core.dvc_objects import oid_of_tree, write_tree
from padstal.operations.lineage.history import History
from padstal.operations.lineage.stores import Stores
from padstal.operations.lineage.tables import rows_of

TABLES = ("manifest.parquet", "quarantine.parquet")
CAPTIONS = "captions.csv"
MOST_COMBINATIONS = 4096
"""Of versions of outputs, tried to find what a folder of them was made of."""
_INGEST = re.compile(r"data/[^/]+/ingest")
_CORPUS = re.compile(r"data/[^/]+/corpus")


@dataclass(frozen=True)
class Holding:
    """What one output of `ingest` says of some files.

    Attributes:
        known: Whether its tables could be read.
        shards: Numbers of the shards that hold clips of them.
        clips: Ids of those clips.
        paths: (source, path) of the files and their copies.
        refused: Whether the quarantine names one.
    """

    known: bool
    shards: frozenset[int] = frozenset()
    clips: frozenset[str] = frozenset()
    paths: frozenset[tuple[str, str]] = frozenset()
    refused: bool = False

    @property
    def holds(self) -> bool:
        return not self.known or bool(self.clips) or self.refused


def holding(manifest: bytes | str | None, quarantine: bytes | str | None, sha256s: Collection[str]) -> Holding:
    """What an output of `ingest` says of these files; the tables as bytes or paths, None where they are missing."""
    if manifest is None or quarantine is None:
        return Holding(known=False)
    try:
        kept = rows_of(manifest, ["sha256", "clip_id", "source", "path", "shard"], sha256s)
        refused = rows_of(quarantine, ["sha256", "source", "path"], sha256s)
    except ValueError:
        return Holding(known=False)
    return Holding(
        known=True,
        shards=frozenset(int(row["shard"]) for row in kept),
        clips=frozenset(str(row["clip_id"]) for row in kept),
        paths=frozenset((str(row["source"]), str(row["path"])) for row in [*kept, *refused]),
        refused=bool(refused),
    )


def locks_of(history: History) -> list[Mapping[str, str]]:
    """Outputs that stood side by side, path → MD5, of every lock."""
    return [{path: out.md5 for path, out in outs_of(snapshot.lock).items()} for snapshot in history.snapshots]


def all_records(history: History, stores: Stores) -> list[LockedStage]:
    """Records of every run that any commit's lock, the workspace's or a run-cache knows of, each once."""
    found = {record: None for snapshot in history.snapshots for record in snapshot.lock.values()}
    for content in stores.runs():
        run = read_run(content)
        if run is not None:
            found[run] = None
    return list(found)


@dataclass
class Trace:
    """The way of some files through all recorded runs.

    Args:
        records: Of all runs.
        stores: Where their outputs are.
        sha256s: The files.
        together: Outputs of each lock, path → MD5; tried first to tell what a folder was made of.

    Attributes:
        holdings: What each output of `ingest` says of them.
        clean: Outputs that they did not go into.
        touched: Outputs that they did, or may have.
    """

    records: list[LockedStage]
    stores: Stores
    sha256s: Collection[str]
    together: list[Mapping[str, str]] = field(default_factory=list)
    holdings: dict[LockedPath, Holding] = field(default_factory=dict)
    clean: set[LockedPath] = field(default_factory=set)
    touched: set[LockedPath] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._versions: dict[str, set[str]] = defaultdict(set)
        for record in self.records:
            for out in record.outs:
                self._versions[out.path].add(out.md5)
        self._fed = fed_paths(self.records)
        for root in {root for record in self.records if (root := root_of(record))}:
            self.holdings[root] = self._holding(root)
        waiting = []
        for record in self.records:
            root = root_of(record)
            if root is None:
                waiting.append((record, [self._parts(dep) for dep in record.deps]))
            elif not self.holdings[root].holds:
                self.clean.update(record.outs)
        while True:
            left = [(record, parts) for record, parts in waiting if not self._settled(parts)]
            self.clean.update(out for record, parts in waiting if self._settled(parts) for out in record.outs)
            if len(left) == len(waiting):
                break
            waiting = left
        self.touched = {out for record in self.records for out in record.outs} - self.clean

    def _settled(self, parts: list[tuple[LockedPath, ...] | None]) -> bool:
        return all(found is not None and all(part in self.clean for part in found) for found in parts)

    def _parts(self, dep: LockedPath) -> tuple[LockedPath, ...] | None:
        """The outputs that a dependency is, or is made of; none where no track comes; None where it cannot be told."""
        if not any(overlap(dep.path, path) for path in self._fed):
            return ()
        if dep.path in self._versions:
            return (dep,) if dep.md5 in self._versions[dep.path] else None
        above = next((path for path in self._versions if dep.path.startswith(f"{path}/")), None)
        if above is None:
            return self._joined(dep, sorted(path for path in self._versions if path.startswith(f"{dep.path}/")))
        inside = dep.path.removeprefix(f"{above}/")
        for md5 in sorted(self._versions[above]):
            if (self.stores.folder(md5) or {}).get(inside) == dep.md5:
                return (LockedPath(above, md5),)
        return None

    def _joined(self, dep: LockedPath, paths: list[str]) -> tuple[LockedPath, ...] | None:
        """The versions of these outputs that make up a folder."""
        for chosen in islice(self._combinations(paths), MOST_COMBINATIONS):
            entries: list[tuple[str, str]] = []
            for ref in chosen:
                name = ref.path.removeprefix(f"{dep.path}/")
                files = self.stores.folder(ref.md5) if ref.is_folder else {"": ref.md5}
                if files is None:
                    break
                entries += [(f"{name}/{path}".rstrip("/"), md5) for path, md5 in files.items()]
            else:
                if oid_of_tree(write_tree(entries)) == dep.md5:
                    return chosen
        return None

    def _combinations(self, paths: list[str]) -> Iterator[tuple[LockedPath, ...]]:
        for lock in self.together:
            yield tuple(LockedPath(path, lock[path]) for path in paths if path in lock)
        yield from product(*([LockedPath(path, md5) for md5 in sorted(self._versions[path])] for path in paths))

    def _holding(self, root: LockedPath) -> Holding:
        files = self.stores.folder(root.md5) or {}
        tables = [self.stores.read(files[name]) if name in files else None for name in TABLES]
        return holding(tables[0], tables[1], self.sha256s)

    def objects(self, refs: Iterable[LockedPath], names: Mapping[LockedPath, set[str]] | None = None) -> list[str]:
        """MD5s of what outputs are made of: files first, tables and listings last, each once.

        Args:
            refs: The outputs.
            names: Those of which only these files count.
        """
        files: dict[str, None] = {}
        last: dict[str, None] = {}
        for ref in sorted(refs):
            only = (names or {}).get(ref)
            for name, md5 in sorted(((self.stores.folder(ref.md5) or {}) if ref.is_folder else {}).items()):
                if only is None or name in only:
                    (last if name in TABLES else files)[md5] = None
            last[ref.md5] = None
        return list({**files, **last})

    def to_remove(self, kept: Collection[LockedPath] = ()) -> list[str]:
        """MD5s of all objects to remove: what is touched, less what clean outputs and those `kept` are made of.

        Of an output of `ingest` whose manifest says where the clips are, and of the composer's corpus, only the files
        that hold something of the tracks go.
        """
        wanted = self.objects(self.touched - set(kept), self._partly())
        stays = set(self.objects(self.clean | set(kept)))
        return [md5 for md5 in wanted if md5 not in stays]

    def unlisted(self, kept: Collection[LockedPath] = ()) -> list[LockedPath]:
        """Touched folders whose listing is nowhere: what they were made of cannot be told any more."""
        folders = (ref for ref in self.touched - set(kept) if ref.is_folder)
        return sorted(ref for ref in folders if self.stores.folder(ref.md5) is None)

    def _partly(self) -> dict[LockedPath, set[str]]:
        """Outputs of which only some files hold the tracks: those files' names."""
        found: dict[LockedPath, set[str]] = {}
        for record in self.records:
            root = root_of(record)
            if root is None or not self.holdings[root].known:
                continue
            held = self.holdings[root]
            for out in record.outs:
                if out == root:
                    shards = {f"shards/{shard:05d}.npy" for shard in held.shards}
                    found.setdefault(out, set()).update(shards, TABLES)
                elif _CORPUS.fullmatch(out.path):
                    found.setdefault(out, set()).update({path for _, path in held.paths}, [CAPTIONS])
        return found


def root_of(record: LockedStage) -> LockedPath | None:
    """The folder of manifest, quarantine and shards, if this is a run of `ingest`."""
    return next((out for out in record.outs if _INGEST.fullmatch(out.path)), None)


def fed_paths(records: Iterable[LockedStage]) -> frozenset[str]:
    """Paths of outputs that tracks can come to: those of `ingest`, and of whatever reads them."""
    records = list(records)
    fed = {out.path for record in records if root_of(record) for out in record.outs}
    while True:
        reached = {
            out.path
            for record in records
            if any(overlap(dep.path, path) for dep in record.deps for path in fed)
            for out in record.outs
        }
        if reached <= fed:
            return frozenset(fed)
        fed |= reached
