"""A `dvc.lock` or lock of DVC's that a kill or a full disk left damaged, put right again.

DVC truncates `dvc.lock` and then writes it (`dvc/utils/serialize/_common.py`), so a kill between the two leaves an
empty or half file that every dvc command refuses. The run-cache knows the stage's result by then (`Stage.save`).
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from padstal.core.data.atomic import atomic_file
from padstal.core.dvc_lock import LockError, compose, read_lock, stage_texts
from padstal.core.dvc_rwlock import rwlock_fault
from padstal.core.git import try_git
from padstal.operations.integrity.locations import move

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
    """Put a readable `dvc.lock` in place of a damaged one, which is moved aside. Says what was done.

    Stages come from the part of the damaged file that is whole, then from the last copy that was kept, then
    from git.
    """
    file = root / "dvc.lock"
    damaged = file.read_bytes()
    text = damaged.decode("utf-8", errors="replace")
    known = _last_known(root)
    whole = stage_texts(text, cut=True)
    stages = {**known[1], **whole}
    mark = hashlib.md5(damaged, usedforsecurity=False).hexdigest()[:8]
    if stages:
        aside = quarantine / f"dvc.lock.{mark}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(damaged)
        with atomic_file(file) as temporary:
            temporary.write_text(compose(stages.values()), encoding="utf-8")
    else:
        move(file, quarantine / f"dvc.lock.{mark}")
        return f"moved aside, no other copy was found; {AGAIN}"
    parts = [f"{len(whole)} stages of the damaged file"] if whole else []
    more = len(stages) - len(whole)
    parts += [f"{more} of {known[0]}"] if more else []
    return f"{' and '.join(parts)}; {AGAIN}"


def repair_rwlock(root: Path, quarantine: Path) -> str:
    """Move a damaged list of paths in use aside; DVC begins a new one."""
    from dvc.lock import make_lock

    folder = root / ".dvc" / "tmp"
    with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):
        if not rwlock_fault(root):
            return "DVC wrote it meanwhile"
        move(folder / "rwlock", quarantine / "rwlock")
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


def _last_known(root: Path) -> tuple[str, dict[str, str]]:
    """Where the best other `dvc.lock` is, and its stages."""
    with contextlib.suppress(OSError, UnicodeDecodeError, LockError):
        text = (root / BACKUP).read_text(encoding="utf-8")
        read_lock(text)
        return "the last good copy", stage_texts(text)
    for commit in try_git(root, "log", "--format=%H", "-20", "--", "dvc.lock").split():
        text = try_git(root, "show", f"{commit}:./dvc.lock") + "\n"
        with contextlib.suppress(LockError):
            read_lock(text)
            return f"commit {commit[:12]}", stage_texts(text)
    return "", {}
