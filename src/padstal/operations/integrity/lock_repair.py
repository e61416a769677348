"""A `dvc.lock` or list of paths in use that a kill or a full disk left damaged, put right before DVC reads it.

DVC truncates `dvc.lock` and then writes it (`dvc/utils/serialize/_common.py`), so a kill between the two leaves an
empty or half file that every dvc command refuses. The run-cache knows the stage's result by then (`Stage.save`).
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from padstal.core.data.atomic import atomic_file
from padstal.core.dvc_lock import LOCK, LockError, read_lock
from padstal.core.dvc_objects import md5_of
from padstal.core.dvc_rwlock import rwlock_fault
from padstal.core.file_lock import BusyError
from padstal.core.git import blobs, try_git

RWLOCK = ".dvc/tmp/rwlock"
BACKUP = Path(".dvc", "tmp", "dvc.lock.backup")
"""The last readable `dvc.lock` of this clone."""
ASIDE = Path(".dvc", "cache", "quarantine")
AGAIN = "`dvc repro` brings the rest back from the run-cache, without running it"


def torn_files(root: Path) -> dict[str, str]:
    """DVC's own files that it cannot read, and why; one that is not there DVC takes as well."""
    lock = _fault((root / LOCK).read_bytes()) if (root / LOCK).exists() else ""
    return {what: why for what, why in ((LOCK, lock), (RWLOCK, rwlock_fault(root))) if why}


def guard_lock(root: Path, say: Callable[[str], None] = print) -> None:
    """Before DVC is asked anything: keep a copy of `dvc.lock`, or repair what is torn and say so."""
    if torn_files(root):
        with contextlib.suppress(BusyError), repository_lock(root):  # a living DVC will end its own writing
            for what in torn_files(root):
                say(f"{what} was damaged by a kill; repaired: {repair(root, what)}")
    elif (root / LOCK).exists():
        with atomic_file(root / BACKUP) as temporary:
            shutil.copyfile(root / LOCK, temporary)


def repair(root: Path, what: str) -> str:
    """Put the last good `dvc.lock` in place of a torn one, or let DVC begin a new list of paths in use.

    What was there is kept in `ASIDE`. Says what was done.
    """
    from dvc.lock import make_lock

    file, folder = root / what, root / ".dvc" / "tmp"
    (root / ASIDE).mkdir(parents=True, exist_ok=True)
    aside = root / ASIDE / f"{file.name}.{md5_of(file)[:8]}"
    if what == RWLOCK:
        with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):
            if rwlock_fault(root):  # no process of DVC is writing it now
                shutil.move(file, aside)
        return "moved aside; DVC begins a new one"
    shutil.copyfile(file, aside)
    where, content = _last_known(root)
    if not content:
        file.unlink()
        return f"moved aside, no other copy was found; {AGAIN}"
    with atomic_file(file) as temporary:
        temporary.write_bytes(content)
    return f"{len(read_lock(content.decode()))} stages of {where}; {AGAIN}"


@contextlib.contextmanager
def repository_lock(root: Path) -> Iterator[None]:
    """DVC's lock of the repository, so that no dvc command changes it meanwhile.

    Raises:
        BusyError: Another DVC process holds it.
    """
    import dvc.lock

    folder = root / ".dvc" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    lock = dvc.lock.make_lock(str(folder / "lock"), tmp_dir=str(folder))
    try:
        lock.lock()
    except dvc.lock.LockError:
        raise BusyError(f"{folder / 'lock'}: another DVC process holds it; try again when it is done") from None
    try:
        yield
    finally:
        lock.unlock()


def _last_known(root: Path) -> tuple[str, bytes]:
    """Where the best other `dvc.lock` is, and its content; b"" for none."""
    if (root / BACKUP).is_file() and not _fault(content := (root / BACKUP).read_bytes()):
        return "the last good copy", content
    commits = try_git(root, "log", "--format=%H", "-20", "--", LOCK).split()
    for commit, found in zip(commits, blobs(root, [f"{one}:./{LOCK}" for one in commits]), strict=True):
        if found and not _fault(found):
            return f"commit {commit[:12]}", found
    return "", b""


def _fault(content: bytes) -> str:
    """Why DVC cannot read a `dvc.lock`; "" where it can."""
    try:
        read_lock(content.decode())
    except UnicodeDecodeError:
        return "no UTF-8"
    except LockError as error:
        return str(error)
    return ""
