"""Which paths DVC's processes are using now: `.dvc/tmp/rwlock`, as `dvc/rwlock.py` (3.67) writes it.

{"write": {PATH: HOLDER, …}, "read": {PATH: [HOLDER, …], …}}    HOLDER: {"pid": …, "cmd": …}
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PathInUse:
    """A path that a living process reads or writes; `path` is as DVC has it, absolute."""

    path: str
    process: int
    command: str
    written: bool


def paths_in_use(root: Path) -> list[PathInUse]:
    """Paths that living processes of DVC use in the repository at `root`; none where the list cannot be read."""
    import psutil

    try:
        content = _read(root)
        holders = [(path, one, True) for path, one in content.get("write", {}).items()]
        holders += [(path, one, False) for path, several in content.get("read", {}).items() for one in several]
        found = [PathInUse(path, int(one["pid"]), str(one.get("cmd", "?")), written) for path, one, written in holders]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [one for one in found if psutil.pid_exists(one.process)]


def rwlock_fault(root: Path) -> str:
    """Why DVC cannot read its list of paths in use; "" where it can, or where there is none."""
    try:
        content = _read(root)
    except FileNotFoundError:
        return ""
    except ValueError as error:
        return f"no JSON: {error}"
    return "" if isinstance(content, dict) else "no mapping"


def _read(root: Path) -> Any:
    return json.loads((root / ".dvc" / "tmp" / "rwlock").read_text(encoding="utf-8"))
