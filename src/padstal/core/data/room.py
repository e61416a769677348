"""Whether there is room to write where a run will write, asked before it works for hours."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

LEAST_BYTES = 64 * 2**20
"""Free space below which no stage is begun."""
NO_FOLDER = (errno.EEXIST, errno.ENOTDIR)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, *NO_FOLDER)


def places_written(root: Path, scale: str) -> list[Path]:
    """Folders that a stage and DVC after it write to: outputs, state, and the cache, wherever DVC's config has it."""
    places = [root / name / scale for name in ("data", "models", "reports", ".state")]
    folder = root / ".dvc"
    if not folder.is_dir():
        return places
    from dvc.config import Config

    return [*places, Path(os.path.join(folder, Config(str(folder))["cache"].get("dir") or "cache"))]


def faults(places: Iterable[Path]) -> Iterator[str]:
    """What keeps a run from writing to these folders, a sentence for each; a folder may not be there yet."""
    for place in places:
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=there) as file:
                file.write(b"\0" * 4096)
        except OSError as error:
            yield said(error, place)
            continue
        free = shutil.disk_usage(there).free
        if free < LEAST_BYTES:
            yield (
                f"{place}: {free / 2**20:.0f} MiB are free on its disk, expected {LEAST_BYTES / 2**20:.0f} MiB at "
                "least; make room, then start again"
            )


def said(error: OSError, place: Path | None = None) -> str:
    """An error of writing, in words that help."""
    where = place or error.filename or "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: the disk or the quota is full; make room, then start again: what is done is kept"
    if error.errno in NO_FOLDER:
        return f"{where}: a file lies where a folder belongs; move it away, then start again"
    return f"{where}: cannot be used ({error.strerror}); mount it writable, or change its owner, then start again"
