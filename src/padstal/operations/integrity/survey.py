"""Every object of a place, hashed in parallel: which are what their names say, which are not, and what is no object."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from padstal.core.dvc_objects import OBJECTS, digits, oid_of, read_tree
from padstal.operations.integrity.findings import Counts
from padstal.operations.integrity.locations import Entry, Place, Verdict


class Bar(Protocol):
    """A progress bar of bytes."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> object: ...
    def update(self, count: int, /) -> object:
        """Bytes that were looked at."""


Show = Callable[[str, int], Bar]
"""Makes a progress bar from a label and a count of bytes."""


@dataclass(frozen=True)
class CorruptObject:
    """An object whose bytes are others than its name says."""

    entry: Entry
    found: str
    detail: str


@dataclass(frozen=True)
class Survey:
    """Of one place: good objects and bad ones by name, and files that are no objects."""

    good: dict[str, Entry]
    bad: dict[str, CorruptObject]
    strays: list[Entry]
    counts: Counts

    def __contains__(self, oid: str) -> bool:
        return oid in self.good


def survey(place: Place, copy_of: Callable[[str], Path | None], show: Show, where: str) -> Survey:
    """Look at all objects of a place.

    Args:
        place: The cache or the remote.
        copy_of: A file that is known to have an object's bytes, if there is one.
        show: Progress.
        where: Name for the counts.

    Raises:
        StoreError: The place does not answer.
    """
    entries = sorted(place.entries(OBJECTS), key=lambda entry: entry.key)
    named = [(oid, entry) for entry in entries if (oid := oid_of(entry.key)) is not None]
    good: dict[str, Entry] = {}
    bad: dict[str, CorruptObject] = {}
    by: Counter[str] = Counter()
    total = sum(entry.bytes for _, entry in named)
    with show(place.name, total) as bar, ThreadPoolExecutor(place.jobs) as pool:

        def one(item: tuple[str, Entry]) -> Verdict | None:
            oid, entry = item
            try:
                return place.check(entry, digits(oid), copy_of(oid), bar.update)
            except FileNotFoundError:  # collected meanwhile
                return None

        try:
            for (oid, entry), verdict in zip(named, pool.map(one, named), strict=True):
                if verdict is None:
                    continue
                by[verdict.how] += 1
                wrong = _wrong(place, oid, entry, verdict)
                if wrong:
                    bad[oid] = CorruptObject(entry, verdict.md5, wrong)
                else:
                    good[oid] = entry
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Survey(
        good,
        bad,
        [entry for entry in entries if oid_of(entry.key) is None],
        Counts(where, sum(by.values()), total, dict(by)),
    )


def _wrong(place: Place, oid: str, entry: Entry, verdict: Verdict) -> str:
    """What is wrong with an object, in words; "" for nothing."""
    if verdict.md5 != digits(oid):
        if not entry.bytes:
            return "empty"
        return f"its {entry.bytes} bytes have MD5 {verdict.md5}" if verdict.md5 else "its checksum is another's"
    if oid.endswith(".dir"):
        try:
            read_tree(place.read(entry.key))
        except ValueError as error:
            return str(error)
    return ""
