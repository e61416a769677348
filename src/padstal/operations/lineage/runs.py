"""All runs that locks and run-caches record, and what the dependencies of each were made of.

Records are matched by path *and* MD5, so that a lock of which only a part was run again is read as what it is. Of a
folder of several outputs (`data/demo/latents`) a run has DVC's MD5 of them together, computed from theirs.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from padstal.core.dvc_lock import LockedPath, LockedStage, overlap, read_run
from padstal.operations.lineage.history import History, read_history
from padstal.operations.lineage.stores import Stores, open_stores

_INGEST = re.compile(r"data/[^/]+/ingest")


@dataclass
class Runs:
    """Records of every run that any commit's lock, the workspace's or a run-cache knows of, each once.

    Args:
        history: With the locks.
        stores: With the run-caches, and listings of folders.
    """

    history: History
    stores: Stores

    def __post_init__(self) -> None:
        locked = [record for snapshot in self.history.snapshots for record in snapshot.lock.values()]
        cached = [run for content in self.stores.runs() if (run := read_run(content))]
        self.records = list(dict.fromkeys([*locked, *cached]))
        self.makers = {out: record for record in self.records for out in record.outs}
        self._parts: dict[LockedPath, frozenset[LockedPath] | None] = {}

    @cached_property
    def fed(self) -> frozenset[str]:
        """Paths of outputs that tracks can come to: those of `ingest`, and of whatever reads them."""
        fed: set[str] = set()
        while True:
            reached = {
                out.path
                for record in self.records
                if root_of(record) or any(overlap(dep.path, path) for dep in record.deps for path in fed)
                for out in record.outs
            }
            if reached <= fed:
                return frozenset(fed)
            fed |= reached

    def parts(self, dep: LockedPath) -> frozenset[LockedPath] | None:
        """The outputs that a dependency is, or is made of; none where no track comes; None where it cannot be told."""
        if dep not in self._parts:
            self._parts[dep] = self._found_parts(dep)
        return self._parts[dep]

    def _found_parts(self, dep: LockedPath) -> frozenset[LockedPath] | None:
        if not any(overlap(dep.path, path) for path in self.fed):
            return frozenset()
        if dep in self.makers:
            return frozenset({dep})
        for snapshot in self.history.snapshots:
            inside = frozenset(out for path, out in snapshot.outs.items() if path.startswith(f"{dep.path}/"))
            if inside and self.stores.folder_oid(dep.path, inside) == dep.md5:
                return inside
        for out in sorted(self.makers):
            name = dep.path.removeprefix(f"{out.path}/")
            if name != dep.path and self.stores.files(out).get(name) == dep.md5:
                return frozenset({out})
        return None


def read_runs(root: Path) -> Runs:
    """All that the repository at `root` remembers.

    Raises:
        ValueError: It has no DVC, no git, or a history that was cut.
    """
    return Runs(read_history(root), open_stores(root))


def root_of(record: LockedStage) -> LockedPath | None:
    """The folder of manifest, quarantine and shards, if this is a run of `ingest`."""
    return next((out for out in record.outs if _INGEST.fullmatch(out.path)), None)
