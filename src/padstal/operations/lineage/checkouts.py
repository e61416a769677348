"""What lies outside git and DVC's stores: the outputs, state and mirrors of this checkout and of the runs' clones."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from padstal.core.data.leftovers import leftovers
from padstal.core.dvc_lock import LockedPath, outs_of, stages_here
from padstal.core.dvc_rwlock import paths_in_use
from padstal.core.git import try_git
from padstal.ingest.s3.mirror_index import forget_in_mirror
from padstal.operations.lineage.trace import TABLES, Holding, holding

BASE_VARIABLE = "PADSTAL_WORKSPACES"
"""Where flows clone the repository for each run; `.workspaces/` of the checkout if it is not set."""
REPORTS = ("page.html", "index.html", "model_cards")
KEPT_IN_DATA = ("sources.json", "reference", "merges.jsonl")


class BusyError(ValueError):
    """A stage or a run is at work; the message says where."""


@dataclass(frozen=True)
class Checkout:
    """A working tree, with its state and its mirrors."""

    root: Path

    @property
    def scales(self) -> list[str]:
        """Folders of data/, models/ and reports/ that may belong to a scale."""
        found = {path.name for name in ("data", "models") for path in (self.root / name).glob("*") if path.is_dir()}
        return sorted(found - {"mirror"})

    def holding(self, scale: str, sha256s: Collection[str]) -> Holding | None:
        """What its tables say of these files; None where nothing was ingested."""
        folder = self.root / "data" / scale / "ingest"
        tables = [str(folder / name) if (folder / name).is_file() else None for name in TABLES]
        if tables == [None, None] and not folder.exists():
            return None
        return holding(tables[0], tables[1], sha256s)

    def lock(self) -> dict[str, LockedPath]:
        """Outputs of its `dvc.lock` by path."""
        return outs_of(stages_here(self.root))

    def held(
        self, sha256s: Collection[str], touched: Collection[LockedPath], clean: Collection[LockedPath]
    ) -> Iterator[Path]:
        """Its files and folders that hold the tracks or come from them; of models, those that `touched` names.

        What git tracks stays: it holds counts, and `dvc repro` writes it anew.
        """
        tracked = set(try_git(self.root, "ls-files", "-z").split("\0"))
        lock = self.lock()
        yield from (one.path for one in leftovers(self.root))
        for scale in self.scales:
            data = self.root / "data" / scale
            yield from data.glob(".*.*")  # as other programs, and earlier versions, name what they write
            found = self.holding(scale, sha256s)
            stale = [ref for path, ref in lock.items() if path.startswith(f"data/{scale}/") and ref in touched]
            if not (found.holds if found else stale):
                continue
            for path in sorted(data.glob("*")):
                if path.name not in KEPT_IN_DATA and path.relative_to(self.root).as_posix() not in tracked:
                    yield path
            yield from (path for name in REPORTS if (path := self.root / "reports" / scale / name).exists())
            for path in sorted((self.root / "models" / scale).glob("*/*")):
                name = path.relative_to(self.root).as_posix()
                ref = lock.get(name)
                trained = path.parent.name != "foundation"
                if trained and (ref in touched or (ref not in clean and touched_models(touched))):
                    yield path

    def busy(self) -> str:
        """What DVC is doing here now; "" for nothing."""
        return next((f"process {one.process} runs `{one.command}`" for one in paths_in_use(self.root)), "")


def touched_models(touched: Collection[LockedPath]) -> bool:
    """Whether models are to go too."""
    return any(ref.path.startswith("models/") for ref in touched)


def checkouts(root: Path) -> list[Checkout]:
    """This checkout, the clones that flows left below their base folder, and what experiments of DVC left."""
    clones = [path.parent for path in workspaces(root).glob("*/runs/*/repository/dvc.yaml")]
    experiments = [path.parent for path in (root / ".dvc" / "tmp" / "exps").glob("*/*/dvc.yaml")]
    return [Checkout(root), *(Checkout(path) for path in sorted([*clones, *experiments]))]


def workspaces(root: Path) -> Path:
    """The folder below which flows clone the repository."""
    given = os.environ.get(BASE_VARIABLE)
    return Path(given) if given else root / ".workspaces"


def state_folders(root: Path) -> list[Path]:
    """`.state/` of this checkout and those that clones share."""
    return [path for path in (root / ".state", *sorted(workspaces(root).glob("*/state"))) if path.is_dir()]


def mirrors(root: Path) -> list[Path]:
    """Mirrors of buckets, of this checkout and those that clones share."""
    folders = (root / "data" / "mirror", *sorted(workspaces(root).glob("*/mirror")))
    return [path for folder in folders for path in sorted(folder.glob("*")) if path.is_dir()]


def check_idle(root: Path) -> None:
    """Raises BusyError where a stage or a run is at work, for it could write what was just removed."""
    for one in checkouts(root):
        if told := one.busy():
            raise BusyError(f"{one.root}: {told}; wait for its end, then run this again")
    for lock in sorted(workspaces(root).glob("*/runs/*/lock")):
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"{lock.parent}: a run is at work; wait for its end, then run this again") from None


def forget_state(state: Path, sha256s: Collection[str], scales: Collection[str]) -> int:
    """Take tracks out of one `.state/`; how many files went.

    Of the ingest store their entries, and all its shards and bucket files, which the next run makes anew from the
    sources; of `scales`, whose data held them, the checkpoints of unfinished trainings too.
    """
    import shutil

    removed = 0
    for scale in sorted(path for path in state.glob("*") if path.is_dir()):
        store = scale / "ingest"
        if scale.name in scales:
            for path in scale.iterdir():
                if path.is_dir() and path != store and path.name.startswith("train_"):
                    shutil.rmtree(path)
                    removed += 1
        found = [path for sha in sha256s for path in store.glob(f"*/tracks/{sha[:2]}/*{sha}.track*")]
        shards = list(store.glob("*/shards/*.npy")) if found or scale.name in scales else []
        for path in [*found, *shards, *store.glob(".register.*"), *store.glob("*/tracks/*/.*")]:
            path.unlink(missing_ok=True)
            removed += 1
        _forget_digests(store / "digests.sqlite", sha256s)
    return removed


def _forget_digests(path: Path, sha256s: Collection[str]) -> None:
    if not path.is_file():
        return
    with closing(sqlite3.connect(path)) as database:
        try:
            database.execute("PRAGMA secure_delete = ON")
            database.executemany("DELETE FROM digests WHERE sha256 = ?", [(sha,) for sha in sorted(sha256s)])
            database.commit()
        except sqlite3.DatabaseError:  # damaged, or not written yet: it holds nothing that counts, and begins anew
            database.close()
            path.unlink()


def forget_mirrors(root: Path, sha256s: Collection[str]) -> int:
    """Take files out of all mirrors, so that they are not fetched again; how many."""
    return sum(len(forget_in_mirror(folder, sha256s)) for folder in mirrors(root))


def unlink_all(paths: Iterable[Path], show: Callable[..., Iterable[Path]]) -> int:
    """Remove files and folders; how many were there."""
    import shutil

    removed = 0
    for path in show(list(paths), unit="path"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            path.unlink()
        else:
            continue
        removed += 1
    return removed
