"""Which outputs of any recorded run a track went into: from `ingest`, whose tables name it, down the runs' own records.

A run is clean if all that it read was made by clean runs, or by none. An output that a clean run made too is clean: its
bytes can be had without the track. What cannot be told counts as holding it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from padstal.core.dvc_lock import LockedPath
from padstal.operations.lineage.runs import Runs, root_of
from padstal.operations.lineage.tables import rows_of

TABLES = ("manifest.parquet", "quarantine.parquet")


def held_files(tables: Collection[bytes | str], sha256s: Collection[str]) -> frozenset[str] | None:
    """Files of an output of `ingest` that hold something of tracks.

    Args:
        tables: `TABLES` of it, as bytes or paths.
        sha256s: The tracks.

    Returns:
        Tables and shards; none where it is clean of them; None where that cannot be told.
    """
    if len(tables) != len(TABLES):
        return None
    try:
        rows = [row for table in tables for row in rows_of(table, ["sha256", "shard"], sha256s)]
    except ValueError:
        return None
    shards = {f"shards/{row['shard']:05d}.npy" for row in rows if "shard" in row}
    return frozenset({*TABLES, *shards} if rows else ())


@dataclass
class Trace:
    """The way of some files through all recorded runs.

    Args:
        runs: All runs.
        sha256s: The files.

    Attributes:
        clean: Outputs that they did not go into.
        touched: Outputs that they did, or may have.
    """

    runs: Runs
    sha256s: Collection[str]
    clean: set[LockedPath] = field(default_factory=set)
    touched: set[LockedPath] = field(default_factory=set)

    def __post_init__(self) -> None:
        records = self.runs.records
        self._held = {ref: self._held_files(ref) for record in records if (ref := root_of(record))}
        waiting = []
        for record in records:
            root = root_of(record)
            if root is None:
                waiting.append((record, [self.runs.parts(dep) for dep in record.deps]))
            elif self._held[root] == frozenset():
                self.clean.update(record.outs)
        before = -1
        while len(self.clean) != before:
            before = len(self.clean)
            for record, parts in waiting:
                if all(one is not None and one <= self.clean for one in parts):
                    self.clean.update(record.outs)
        self.touched = self.runs.makers.keys() - self.clean

    def _held_files(self, ref: LockedPath) -> frozenset[str] | None:
        stores = self.runs.stores
        found = [stores.read(md5) for name, md5 in sorted(stores.files(ref).items()) if name in TABLES]
        return held_files([table for table in found if table is not None], self.sha256s)

    def to_remove(self, kept: Collection[LockedPath]) -> list[str]:
        """MD5s of all objects to remove: what is touched, less what clean outputs and those `kept` are made of.

        Files come first, tables and listings last, so that a removal that was killed can be planned again. Of an output
        of `ingest` whose tables can be read, only the files that hold something of the tracks go.
        """
        files = self.runs.stores.files
        stays = {md5 for ref in self.clean | set(kept) for md5 in (ref.md5, *files(ref).values())}
        first: dict[str, None] = {}
        last: dict[str, None] = {}
        for ref in sorted(self.touched - set(kept)):
            held = self._held.get(ref)
            for name, md5 in sorted(files(ref).items()):
                if held is None or name in held:
                    (last if name in TABLES else first)[md5] = None
            last[ref.md5] = None
        return [md5 for md5 in {**first, **last} if md5 not in stays]
