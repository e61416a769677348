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
from padstal.core.git import blobs, try_git

BACKUP = Path(".dvc", "tmp", "dvc.lock.backup")
"""The last readable `dvc.lock` of this clone."""
AGAIN = "`dvc repro` brings the rest back from the run-cache, without running it"


class BusyError(ValueError):
    """Another DVC process is at work in this repository."""


def fault(root: Path) -> str:
    """Why DVC cannot read `dvc.lock`; "" where it can, or where there is none, which DVC takes as well."""
    with contextlib.suppress(FileNotFoundError):
        return _fault((root / LOCK).read_bytes())
    return ""


def _fault(content: bytes) -> str:
    try:
        read_lock(content.decode())
    except UnicodeDecodeError:
        return "no UTF-8"
    except LockError as error:
        return str(error)
    return ""


def guard_lock(root: Path, say: Callable[[str], None] = print) -> None:
    """Before DVC is asked anything: keep a copy of `dvc.lock`, or repair it and say so."""
    if fault(root):
        with contextlib.suppress(BusyError), repository_lock(root):  # a living DVC will end its own writing
            if fault(root):
                repaired = repair_lock(root, root / ".dvc" / "cache" / "quarantine")
                say(f"dvc.lock was damaged by a kill; repaired: {repaired}")
    if (root / LOCK).exists() and not fault(root):
        with atomic_file(root / BACKUP) as temporary:
            shutil.copyfile(root / LOCK, temporary)


def repair_lock(root: Path, quarantine: Path) -> str:
    """Put the last good `dvc.lock` in place of a damaged one, which is moved aside. Says what was done."""
    file = root / LOCK
    quarantine.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, quarantine / f"{LOCK}.{md5_of(file)[:8]}")
    where, content = _last_known(root)
    if not content:
        file.unlink()
        return f"moved aside, no other copy was found; {AGAIN}"
    with atomic_file(file) as temporary:
        temporary.write_bytes(content)
    return f"{len(read_lock(content.decode()))} stages of {where}; {AGAIN}"


def repair_rwlock(root: Path, quarantine: Path) -> str:
    """Move a damaged list of paths in use aside; DVC begins a new one."""
    from dvc.lock import make_lock

    folder = root / ".dvc" / "tmp"
    with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):
        if rwlock_fault(root):
            quarantine.mkdir(parents=True, exist_ok=True)
            shutil.move(folder / "rwlock", quarantine / "rwlock")
    return "moved aside; DVC begins a new one"


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
