"""What killed processes left half written: temporary files and folders, whose names say which process made them.

.page.html.a1b2c3-4711-x7k2m9qw      what it was to be, the machine, the process, and eight letters
"""

import hashlib
import os
import platform
import re
import shutil
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

DEPTHS = {"data": 4, "models": 4, "reports": 4, ".state": 6, ".dvc": 2, ".": 1}
"""Folders where we write, the repository's own last, and how deep below them."""
FORSAKEN_SECONDS = 7 * 24 * 3600.0
"""What another machine left and did not touch for so long is dead as well."""
_NAME = re.compile(r"\..+\.(?P<machine>[0-9a-f]{6})-(?P<process>\d+)-[a-z0-9_]{8}")


def temporary_prefix(target: str) -> str:
    """Beginning of a temporary name for a file or folder of this process; `tempfile` adds eight letters."""
    return f".{target}.{_machine()}-{os.getpid()}-"


@dataclass(frozen=True)
class Leftover:
    """A temporary file or folder, and whether the process that made it is gone."""

    path: Path
    dead: bool

    def remove(self) -> None:
        """Remove it; another process may do so at the same time."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


def leftovers(root: Path) -> list[Leftover]:
    """Temporary files and folders of the repository at `root`, of living processes too."""
    patterns = [f"{folder}/{'*/' * depth}.*" for folder, depths in DEPTHS.items() for depth in range(depths)]
    found = chain.from_iterable(root.glob(pattern) for pattern in patterns)
    told: dict[Path, Leftover] = {}
    for path in found:
        name = _NAME.fullmatch(path.name)
        if name and not told.keys() & set(path.parents):
            told[path] = Leftover(path, _dead(path, name["machine"], int(name["process"])))
    return list(told.values())


def sweep(root: Path) -> list[Path]:
    """Remove what dead processes left; gives what it was."""
    dead = [one for one in leftovers(root) if one.dead]
    for one in dead:
        one.remove()
    return [one.path for one in dead]


def _dead(path: Path, machine: str, process: int) -> bool:
    import psutil

    try:
        stat = path.stat()
    except FileNotFoundError:  # its process has just ended well
        return False
    if machine != _machine():
        return time.time() - stat.st_ctime > FORSAKEN_SECONDS
    try:
        return bool(psutil.Process(process).create_time() > stat.st_ctime + 1.0)  # another one has its number by now
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]
