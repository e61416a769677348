"""Where DVC's objects lie: what any such place can do, and one that is a folder (a cache, or a remote on a disk)."""

import errno
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from padstal.core.data.atomic import atomic_file
from padstal.core.dvc_objects import md5_of

QUARANTINE = "quarantine/"
"""What is corrupt is moved here, below the place it lay in."""
READ, BY_ETAG, BY_COPY = "read", "ETag", "checksum"
"""How an object was checked: its bytes were read, its ETag is its MD5, or the store has the checksum of a good copy."""


@dataclass(frozen=True)
class Entry:
    """A file of a place: its key below it, its length, and the store's ETag where there is one."""

    key: str
    bytes: int
    etag: str = ""


@dataclass(frozen=True)
class Verdict:
    """What an object was found to be.

    Attributes:
        md5: Of the bytes; "" where the store's checksum alone tells that they are others.
        how: It was found out.
    """

    md5: str
    how: str


class Place(Protocol):
    """A cache or a remote.

    Methods raise `StoreError` where a store does not answer, and FileNotFoundError for a key that is not there.
    """

    name: str
    jobs: int

    def entries(self, folder: str, heads: Collection[str] = ()) -> Iterator[Entry]:
        """All files below a folder ("files/md5/", "runs/"), in any order.

        With `heads`, the first two digits of objects, those of others may be left out.
        """

    def check(self, entry: Entry, md5: str, copy: Path | None, advance: Callable[[int], object]) -> Verdict:
        """The MD5 of an object that should be `md5`; `copy` is a file that has it, if there is one."""

    def read(self, key: str) -> bytes:
        """A small file."""

    def fetch(self, key: str, target: Path) -> None:
        """Write a file's bytes to `target`."""

    def put(self, key: str, source: Path) -> None:
        """Keep a file's bytes under `key`, whole or not at all."""

    def set_aside(self, key: str, mark: str) -> str:
        """Move a file to the quarantine; gives its new key. `mark` tells apart several of one name."""


class Folder:
    """A place that is a folder."""

    def __init__(self, root: Path, name: str, *, mode: int = 0o444):
        self.root, self.name, self.mode = root, name, mode
        self.jobs = min(8, os.cpu_count() or 1)

    def path(self, key: str) -> Path:
        """Of a file."""
        return self.root / key

    def entries(self, folder: str, heads: Collection[str] = ()) -> Iterator[Entry]:
        """As `Place`; a file that goes meanwhile is left out."""
        for parent, _, names in os.walk(self.root / folder):
            below = os.path.relpath(parent, self.root).replace(os.sep, "/")
            for name in names:
                try:
                    length = os.stat(os.path.join(parent, name)).st_size
                except FileNotFoundError:
                    continue
                yield Entry(f"{below}/{name}", length)

    def check(self, entry: Entry, md5: str, copy: Path | None, advance: Callable[[int], object]) -> Verdict:
        """As `Place`: all bytes are read."""
        return Verdict(md5_of(self.path(entry.key), advance), READ)

    def read(self, key: str) -> bytes:
        """As `Place`."""
        return self.path(key).read_bytes()

    def fetch(self, key: str, target: Path) -> None:
        """As `Place`."""
        shutil.copyfile(self.path(key), target)

    def put(self, key: str, source: Path) -> None:
        """As `Place`."""
        with atomic_file(self.path(key)) as temporary:
            shutil.copyfile(source, temporary)
        self.path(key).chmod(self.mode)

    def set_aside(self, key: str, mark: str) -> str:
        """As `Place`."""
        new = f"{QUARANTINE}{key.removeprefix('files/md5/').replace('/', '', 1)}.{mark}"
        move(self.path(key), self.path(new))
        return new


def move(source: Path, target: Path) -> None:
    """Move a file, across file systems too."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with atomic_file(target) as temporary:
            shutil.copyfile(source, temporary)
        source.unlink()
