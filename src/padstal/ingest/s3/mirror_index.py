"""What a mirror holds: one JSON line an object, appended as objects arrive and rewritten at the end of a run.

A killed run can leave a damaged last line; it is left out, and its object is fetched again.
"""

import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from padstal.core.data.atomic import atomic_file, read_json, write_json
from padstal.core.file_lock import BusyError, file_lock
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.objects import Listed
from padstal.rights.tombstones import veil

STATE = ".mirror"
"""Folder inside a mirror for what is no object; hidden names are no objects either (`objects`)."""


@dataclass(frozen=True)
class Entry:
    """One object as it lies in the mirror.

    Attributes:
        key: Its name, relative to prefix and mirror.
        bytes, etag: As the store listed it.
        sha256: Of the bytes on disk.
        check: Which check they passed (`transfer`).
        fetched_at: ISO 8601, UTC.
        mtime_ns: Of the file when it came, so that a later edit is seen.
    """

    key: str
    bytes: int
    etag: str
    sha256: str
    check: str
    fetched_at: str
    mtime_ns: int


class Index:
    """The entries of one mirror; `add` may be called from several threads.

    Attributes:
        entries: By key.
    """

    def __init__(self, folder: Path):
        self._path = folder / STATE / "index.jsonl"
        self._lock = threading.Lock()
        text = self._path.read_text(encoding="utf-8", errors="replace") if self._path.exists() else ""
        self.entries = {entry.key: entry for line in text.splitlines() if (entry := _entry(line))}

    def add(self, entry: Entry) -> None:
        """Record an object that has just come."""
        with self._lock:
            self.entries[entry.key] = entry
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + _line(entry))  # the leading break ends a damaged line

    def rewrite(self, keys: Iterable[str]) -> None:
        """Keep the entries of `keys` alone, in their order, atomically."""
        with self._lock:
            self.entries = {key: self.entries[key] for key in keys}
            with atomic_file(self._path) as temporary:
                temporary.write_text("".join(map(_line, self.entries.values())), encoding="utf-8")


class HiddenObjects:
    """Versions of objects that are to be forgotten, by names that tell nothing of them, so that none is fetched twice.

    Args:
        folder: The mirror.
        forgotten: SHA-256 of what is to be forgotten now; a version of anything else is not hidden any more.
    """

    def __init__(self, folder: Path, forgotten: Collection[str]):
        self._path = folder / STATE / "forgotten.txt"
        self.forgotten = frozenset(forgotten)
        contents = {veil(sha256) for sha256 in self.forgotten}
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        self._hidden = {one: content for one, content in map(str.split, lines) if content in contents}

    def hides(self, item: Listed) -> bool:
        """Whether this version is known to be one of them."""
        return bool(item.etag) and veil(item.key, item.etag, str(item.bytes)) in self._hidden

    def add(self, entries: Iterable[Entry]) -> None:
        """Hide these from now on, atomically."""
        new = {veil(one.key, one.etag, str(one.bytes)): veil(one.sha256) for one in entries}
        if new:
            self._hidden.update(new)
            with atomic_file(self._path) as temporary:
                temporary.write_text("".join(f"{a} {b}\n" for a, b in sorted(self._hidden.items())), encoding="utf-8")


def forget_in_mirror(folder: Path, forgotten: Collection[str]) -> list[str]:
    """Take files with these SHA-256 out of a mirror, hide them, and remove unfinished fetches; the keys that went."""
    if not (folder / STATE).is_dir():
        return []
    index, hidden = Index(folder), HiddenObjects(folder, forgotten)
    keys = [key for key, entry in index.entries.items() if entry.sha256 in hidden.forgotten]
    hidden.add(index.entries[key] for key in keys)
    for key in keys:
        (folder / key).unlink(missing_ok=True)
    for part in (folder / STATE / "parts").glob("*"):
        part.unlink()
    if keys:
        index.rewrite(key for key in list(index.entries) if key not in set(keys))
    return keys


@contextmanager
def claimed(folder: Path, origin: dict[str, str | None]) -> Iterator[None]:
    """Make `folder` the mirror of `origin` if it is none yet, and keep other runs out until the block ends.

    Raises:
        StoreError: It mirrors something else, holds files of its own, or another run is at it.
    """
    record = folder / STATE / "origin.json"
    if folder.exists() and not record.exists() and any(name != STATE for name in os.listdir(folder)):
        raise StoreError(f"{folder}: holds files and is no mirror; expected an empty folder or none")
    try:
        with file_lock(folder / STATE / "lock", wait=False):
            if not record.exists():
                write_json(record, origin)
            elif (found := read_json(record)) != origin:
                raise StoreError(
                    f"{folder}: mirrors {found}, expected {origin}; give the source another `name` or remove the folder"
                )
            yield
    except BusyError:
        raise StoreError(f"{folder}: another run is fetching into it; wait for its end") from None


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"


def _entry(line: str) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
