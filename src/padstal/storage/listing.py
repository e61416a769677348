"""What a source holds: paths, lengths and sha256 of a folder's files.

`padstal scan` keeps it in git as `data/<scale>/sources.json`, so that DVC sees a changed folder without hashing it.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.storage.content import sha256_file


@dataclass(frozen=True)
class Found:
    """A name in a folder.

    Attributes:
        path: Relative, with "/"; a name that is not UTF-8 has surrogate escapes.
        regular: A regular file, and no symbolic link.
    """

    path: str
    regular: bool

    @property
    def printable(self) -> str:
        """`path` as valid UTF-8; what was not shows as an escape."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def walk(folder: Path) -> list[Found]:
    """All names below `folder` that are no folders, sorted by their bytes; links are listed and not followed.

    Hidden names (with a leading dot) are left out.

    Raises:
        FileNotFoundError: No such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; mend the source's path in params.yaml")
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in (*files, *links):
            if not name.startswith("."):
                full = os.path.join(parent, name)
                regular = os.path.isfile(full) and not os.path.islink(full)
                found.append(Found(os.path.relpath(full, folder).replace(os.sep, "/"), regular))
    return sorted(found, key=lambda item: os.fsencode(item.path))


def scan(
    sources: Iterable[Mapping[str, Any]],
    *,
    root: Path,
    progress: Callable[[Sequence[Found]], Iterable[Found]] | None = None,
    sha256: Callable[[Path], str] = sha256_file,
) -> dict[str, Any]:
    """A listing of all sources.

    Args:
        sources: Each source's params, with `kind` "synth" or "folder".
        root: What relative folder paths are relative to.
        progress: Wraps the files of a folder, to show progress.
        sha256: Digest of a file; one that remembers spares reading.

    Raises:
        FileNotFoundError: A folder source is not there.
    """
    show = progress or (lambda items: items)
    listed = []
    for source in sources:
        entry = dict(source)
        if source["kind"] == "folder":
            folder = root / source["path"]
            entry["files"] = [_entry(folder, found, sha256) for found in show(walk(folder))]
        listed.append(entry)
    return {"sources": listed}


def _entry(folder: Path, found: Found, sha256: Callable[[Path], str]) -> dict[str, Any]:
    if not found.regular:
        return {"path": found.printable, "bytes": None, "sha256": None}
    full = folder / found.path
    return {"path": found.printable, "bytes": full.stat().st_size, "sha256": sha256(full)}
