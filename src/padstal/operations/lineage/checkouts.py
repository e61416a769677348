"""What lies outside git and DVC's stores: this checkout's outputs, state and mirrors, and the clones of runs."""

import os
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from padstal.core.data.leftovers import leftovers
from padstal.core.dvc_lock import LockedPath, outs_of, stages_here
from padstal.core.dvc_rwlock import paths_in_use
from padstal.core.file_lock import BusyError, file_lock
from padstal.core.git import git
from padstal.ingest.s3.mirror_index import forget_in_mirror
from padstal.operations.lineage.trace import TABLES, Trace, held_files

BASE_VARIABLE = "PADSTAL_WORKSPACES"
"""Where flows clone the repository for each run; `.workspaces/` of the checkout if it is not set."""

REPORTS = ("page.html", "index.html", "model_cards")


def paths_to_remove(root: Path, trace: Trace, kept: Collection[LockedPath]) -> list[Path]:
    """What holds the tracks or comes from them: outputs of this checkout, half outputs, and all clones of runs.

    Of a scale whose data held the tracks all data go that git is told to ignore, clean ones too, for what the workspace
    has need not be what `dvc.lock` says. Of models those go that `dvc.lock` names and that are not `kept`.
    """
    lock = outs_of(stages_here(root))
    touched = [path for path, ref in lock.items() if ref in trace.touched and ref not in kept]
    held = {scale_of(path) for path in touched if path.startswith("data/")}
    for folder in (root / "data").glob("*/ingest"):
        tables = [str(folder / name) for name in TABLES if (folder / name).is_file()]
        if held_files(tables, trace.sha256s) != frozenset():
            held.add(folder.parent.name)
    below = [f"data/{scale}" for scale in held] + [f"reports/{scale}/{name}" for scale in held for name in REPORTS]
    ignored = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--")
    outs = git(root, *ignored, *below).split("\0")[:-1] if below else []
    outs += [path for path in touched if path.startswith("models/") and (root / path).exists()]
    return [*(root / path for path in sorted(outs)), *(one.path for one in leftovers(root)), *clones(root)]


def scale_of(path: str) -> str:
    """The scale of an output; "" for one of none."""
    return path.split("/")[1] if path.count("/") > 1 else ""


def clones(root: Path) -> list[Path]:
    """What runs of flows and experiments of DVC left: each a folder of its own, with a clone of the repository."""
    runs = workspaces(root).glob("*/runs/*/")
    return sorted([*runs, *(path.parent for path in (root / ".dvc" / "tmp" / "exps").glob("*/*/dvc.yaml"))])


def workspaces(root: Path) -> Path:
    """The folder below which flows clone the repository."""
    given = os.environ.get(BASE_VARIABLE)
    return Path(given) if given else root / ".workspaces"


def state_folders(root: Path) -> list[Path]:
    """`.state/` of this checkout and those that clones share."""
    return [path for path in (root / ".state", *sorted(workspaces(root).glob("*/state"))) if path.is_dir()]


def check_idle(root: Path) -> None:
    """Raises BusyError where a stage or a run is at work, for it could write what was just removed."""
    for place in (root, *clones(root)):
        for one in paths_in_use(place):
            raise BusyError(f"{place}: process {one.process} runs `{one.command}`; wait for its end, then try again")
        if (place / "lock").is_file():
            with file_lock(place / "lock", wait=False):  # nobody's run is at work there
                pass


def forget_state(state: Path, sha256s: Collection[str], scales: Collection[str]) -> int:
    """Take tracks out of one `.state/`; how many files and entries went.

    Of the ingest store their entries, and all its shards, which the next run makes anew from the sources; of `scales`,
    whose data held them, the checkpoints of unfinished trainings too.
    """
    removed = 0
    for scale in sorted(path for path in state.glob("*") if path.is_dir()):
        store = scale / "ingest"
        if scale.name in scales:
            for path in scale.iterdir():
                if path.is_dir() and path != store and path.name.startswith("train_"):
                    shutil.rmtree(path)
                    removed += 1
        _forget_rows(store / "digests.sqlite", "digests", sha256s)
        entries = sum(_forget_rows(path, "tracks", sha256s) for path in store.glob("*/tracks.sqlite"))
        files = [path for sha in sha256s for path in store.glob(f"*/{sha}.samples")]
        files += store.glob("*/.*")
        if entries or scale.name in scales:
            files += store.glob("*/*.npy")
        for path in files:
            path.unlink(missing_ok=True)
        removed += entries + len(files)
    return removed


def _forget_rows(path: Path, table: str, sha256s: Collection[str]) -> int:
    """How many rows of a database went, without a trace."""
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as database:
        try:
            database.execute("PRAGMA secure_delete = ON")
            rows = [(sha,) for sha in sorted(sha256s)]
            removed = database.executemany(f"DELETE FROM {table} WHERE sha256 = ?", rows).rowcount
            database.commit()
            return removed
        except sqlite3.DatabaseError:  # damaged, or not written yet: it holds nothing that counts, and begins anew
            database.close()
            path.unlink()
            return 1


def forget_mirrors(root: Path, sha256s: Collection[str]) -> int:
    """Take files out of the mirrors of buckets, of clones' too, so that they are not fetched again; how many."""
    folders = (root / "data" / "mirror", *workspaces(root).glob("*/mirror"))
    return sum(len(forget_in_mirror(mirror, sha256s)) for folder in folders for mirror in folder.glob("*"))
