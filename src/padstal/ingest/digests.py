"""SHA-256 of files, remembered by what the file system says of them.

A remembered digest is used again where path, length, modification time, change time (both in ns) and inode agree; a
program can set the modification time, not the change time. A digest is remembered only if the file had been at rest
for `SETTLED_SECONDS` before it was read, so that a second write within one tick of the clock is not missed. This trusts
the clock and the file system (local ones, NFS); where they cannot be trusted, without this database every file is read.
"""

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.content import sha256_file
from padstal.core.data.database import open_database
from padstal.ingest.worker_pool import in_order

SETTLED_SECONDS = 2.0
_ATTEMPTS = 3
_SAVE_EVERY = 256


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file does: length, times (ns) and inode."""

    bytes: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        found = os.stat(path, follow_symlinks=False)
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@dataclass(frozen=True)
class Digest:
    """A file's SHA-256 and the stamp it had then; `fault` says why there is none."""

    sha256: str
    stamp: Stamp | None
    fault: str = ""


class Digests:
    """Digests of files, in a database that one process uses at a time."""

    def __init__(self, path: Path):
        self._database = open_database(
            path,
            "CREATE TABLE IF NOT EXISTS digests (path BLOB PRIMARY KEY, bytes INTEGER, modified_ns INTEGER, "
            "changed_ns INTEGER, inode INTEGER, sha256 TEXT) WITHOUT ROWID",
            "CREATE TEMP TABLE asked (path BLOB PRIMARY KEY) WITHOUT ROWID",
        )
        self._unsaved = 0

    def close(self) -> None:
        self._database.commit()
        self._database.close()

    def sweep(self) -> None:
        """Forget files that this object was not asked for."""
        self._database.execute("DELETE FROM digests WHERE path NOT IN (SELECT path FROM asked)")

    def of(self, paths: Iterable[Path], *, threads: int) -> Iterator[tuple[Path, Digest]]:
        """Regular files with their digests, in order; what must be read is read by `threads` at a time."""
        with ThreadPoolExecutor(threads, thread_name_prefix="sha256") as pool:

            def begin(path: Path) -> Any:
                return self._known(path) or pool.submit(_digest, path)

            try:
                for path, answer in in_order(begin, paths, width=threads):
                    digest, read_ns = answer.result() if isinstance(answer, Future) else answer
                    self._remember(path, digest, read_ns)
                    yield path, digest
            finally:
                pool.shutdown(cancel_futures=True)

    def drop(self, path: Path) -> None:
        """Remember nothing of a file, and leave no trace of what was remembered."""
        self._database.execute("PRAGMA secure_delete = ON")
        self._database.execute("DELETE FROM digests WHERE path = ?", (os.fsencode(path),))

    def sha256(self, path: Path) -> str:
        """Digest of one regular file.

        Raises:
            OSError: It cannot be read.
        """
        digest, read_ns = self._known(path) or _digest(path)
        if digest.stamp is None:
            raise OSError(f"{path}: {digest.fault}")
        self._remember(path, digest, read_ns)
        return digest.sha256

    def _known(self, path: Path) -> tuple[Digest, int] | None:
        query = "SELECT bytes, modified_ns, changed_ns, inode, sha256 FROM digests WHERE path = ?"
        row = self._database.execute(query, (os.fsencode(path),)).fetchone()
        if row is None:
            return None
        try:
            stamp = Stamp.of(path)
        except OSError:
            return None
        return (Digest(row[4], stamp), 0) if stamp == Stamp(*row[:4]) else None

    def _remember(self, path: Path, digest: Digest, read_ns: int) -> None:
        self._database.execute("INSERT OR IGNORE INTO asked VALUES (?)", (os.fsencode(path),))
        if digest.stamp is None or not read_ns:
            return
        last_change = max(digest.stamp.modified_ns, digest.stamp.changed_ns)
        if read_ns - last_change > SETTLED_SECONDS * 1e9:
            row = (os.fsencode(path), *astuple(digest.stamp), digest.sha256)
            self._database.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", row)
            self._unsaved += 1
            if self._unsaved == _SAVE_EVERY:
                self._database.commit()
                self._unsaved = 0


def _digest(path: Path) -> tuple[Digest, int]:
    """The digest, and when reading began (ns since the epoch)."""
    try:
        for _ in range(_ATTEMPTS):
            began, stamp = time.time_ns(), Stamp.of(path)
            sha256 = sha256_file(path)
            if Stamp.of(path) == stamp:
                return Digest(sha256, stamp), began
    except OSError as error:
        return Digest("", None, error.strerror or type(error).__name__), 0
    return Digest("", None, "the file changes while it is read"), 0
