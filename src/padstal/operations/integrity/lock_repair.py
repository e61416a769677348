"""A `dvc.lock` or lock of DVC's that a kill or a full disk left damaged, put right again.

DVC truncates `dvc.lock` and then writes it (`dvc/utils/serialize/_common.py`), so a kill between the two leaves an
empty or half file that every dvc command refuses. The run-cache knows the stage's result by then (`Stage.save`).
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from padstal.core.data.atomic import atomic_file
from padstal.core.dvc_lock import LockError, read_lock
from padstal.core.dvc_rwlock import rwlock_fault
from padstal.core.git import try_git

BACKUP = Path(".dvc", "tmp", "dvc.lock.backup")
"""The last readable `dvc.lock` of this clone."""
AGAIN = "`dvc repro` brings the rest back from the run-cache, without running it"


class BusyError(ValueError):
    """Another DVC process is at work in this repository."""


def fault(root: Path) -> str:
    """Why DVC cannot read `dvc.lock`; "" where it can, or where there is none, which DVC takes as well."""
    try:
        read_lock((root / "dvc.lock").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        return "no UTF-8"
    except LockError as error:
        return str(error)
    return ""


def keep_or_repair(root: Path, quarantine: Path | None = None) -> str:
    """Before DVC runs: keep a copy of `dvc.lock`, or repair it if it is damaged. Says what was repaired, or ""."""
    if fault(root):
        try:
            with repository_lock(root):
                if fault(root):
                    return repair_lock(root, quarantine or root / ".dvc" / "cache" / "quarantine")
        except BusyError:  # a living DVC is between truncating and writing, and will end it
            return ""
    file = root / "dvc.lock"
    if file.exists() and not fault(root):
        with atomic_file(root / BACKUP) as temporary:
            temporary.write_bytes(file.read_bytes())
    return ""


def repair_lock(root: Path, quarantine: Path) -> str:
    """Put the last good `dvc.lock` in place of a damaged one, which is moved aside. Says what was done."""
    file = root / "dvc.lock"
    mark = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()[:8]
    quarantine.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, quarantine / f"dvc.lock.{mark}")
    where, text = _last_known(root)
    if not text:
        file.unlink()
        return f"moved aside, no other copy was found; {AGAIN}"
    with atomic_file(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return f"{len(read_lock(text))} stages of {where}; {AGAIN}"


def repair_rwlock(root: Path, quarantine: Path) -> str:
    """Move a damaged list of paths in use aside; DVC begins a new one."""
    from dvc.lock import make_lock

    folder = root / ".dvc" / "tmp"
    with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):
        if not rwlock_fault(root):
            return "DVC wrote it meanwhile"
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


def _last_known(root: Path) -> tuple[str, str]:
    """Where the best other `dvc.lock` is, and its text; "" for none."""
    with contextlib.suppress(OSError, UnicodeDecodeError, LockError):
        text = (root / BACKUP).read_text(encoding="utf-8")
        read_lock(text)
        return "the last good copy", text
    for commit in try_git(root, "log", "--format=%H", "-20", "--", "dvc.lock").split():
        text = try_git(root, "show", f"{commit}:./dvc.lock") + "\n"
        with contextlib.suppress(LockError):
            read_lock(text)
            return f"commit {commit[:12]}", text
    return "", ""
