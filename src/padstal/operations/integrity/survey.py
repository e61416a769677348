"""Every object of a store, hashed in parallel: which are what their names say, and which are not."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from padstal.core.dvc_objects import digits
from padstal.operations.integrity.remotes import Entry, Store

JOBS = 8


@dataclass(frozen=True)
class Survey:
    """Of one store: objects that are what their names say, the MD5s of those that are not, and how much that is."""

    store: Store
    where: Literal["cache", "remote"]
    good: set[str]
    bad: dict[str, str]
    told: str


def survey(store: Store, where: Literal["cache", "remote"], *, read_all: bool = False) -> Survey:
    """Look at all objects of a store.

    Args:
        store: The cache or the remote.
        where: Which of them.
        read_all: Read every object, though its ETag is the MD5 that it should have.

    Raises:
        RemoteError: The store does not answer.
    """
    objects = store.objects()
    total = sum(entry.bytes for entry in objects.values())
    good: set[str] = set()
    bad: dict[str, str] = {}
    by: Counter[str] = Counter()
    bar = tqdm(total=total, desc=store.name, unit="B", unit_scale=True, leave=False, disable=None)

    def md5_of(oid: str, entry: Entry) -> tuple[str, str]:
        """How an object was checked, and its MD5."""
        if entry.etag == digits(oid) and not read_all:  # proof of what the store took in
            bar.update(entry.bytes)
            return "ETag", entry.etag
        try:
            return "read", store.md5(entry.key, bar.update)
        except FileNotFoundError:  # collected meanwhile
            return "", ""

    with bar, ThreadPoolExecutor(JOBS) as pool:
        for oid, (how, md5) in zip(objects, pool.map(md5_of, objects, objects.values()), strict=True):
            if not how:
                continue
            by[how] += 1
            if md5 == digits(oid):
                good.add(oid)
            else:
                bad[oid] = md5
    how = ", ".join(f"{count} by {name}" for name, count in sorted(by.items()))
    told = f"{where}: {by.total()} objects, {total / 2**20:.1f} MiB{f' ({how})' if how else ''}"
    return Survey(store, where, good, bad, told)
