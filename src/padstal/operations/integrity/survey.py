"""Every object and run of a store, hashed in parallel: which are what their names say, and which are not."""

import io
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from padstal.core.dvc_objects import OBJECTS, RUNS, digits, key_of, md5_of_stream, oid_of, read_tree
from padstal.operations.integrity.findings import Counts
from padstal.operations.integrity.remotes import Entry, Store

JOBS = 8
READ, BY_ETAG = "read", "ETag"
"""How an object was checked: its bytes were read, or its ETag is its MD5."""
_RUN = re.compile(rf"{RUNS}(?P<head>[0-9a-f]{{2}})/(?P<key>[0-9a-f]{{64}})/(?P<value>[0-9a-f]{{64}})")
_NOT_HASHED = ["size", "nfiles"]
"""Keys that DVC leaves out of a run's hash, at any depth."""


Show = Callable[[str, int], Any]
"""Makes a progress bar, as tqdm has them, from a label and a count of bytes."""


@dataclass(frozen=True)
class Bad:
    """A file whose bytes, with this MD5, are others than its name says."""

    entry: Entry
    md5: str
    detail: str


@dataclass(frozen=True)
class Survey:
    """Of one store: good and bad files by key, and files that are neither objects nor runs."""

    store: Store
    where: Literal["cache", "remote"]
    good: dict[str, Entry]
    bad: dict[str, Bad]
    strays: list[Entry]
    counts: Counts

    def __contains__(self, oid: str) -> bool:
        return key_of(oid) in self.good


def survey(store: Store, where: Literal["cache", "remote"], show: Show, *, read_all: bool = False) -> Survey:
    """Look at all objects and runs of a store.

    Args:
        store: The cache or the remote.
        where: Which of them.
        show: Progress.
        read_all: Read every object, though its ETag is the MD5 that it should have.

    Raises:
        RemoteError: The store does not answer.
    """
    entries = sorted([*store.entries(OBJECTS), *store.entries(RUNS)], key=lambda entry: entry.key)
    named = [entry for entry in entries if entry.key.startswith(RUNS) or oid_of(entry.key)]
    strays = [entry for entry in entries if entry.key.startswith(OBJECTS) and not oid_of(entry.key)]
    good: dict[str, Entry] = {}
    bad: dict[str, Bad] = {}
    by: Counter[str] = Counter()
    with show(store.name, sum(entry.bytes for entry in named)) as bar, ThreadPoolExecutor(JOBS) as pool:

        def one(entry: Entry) -> tuple[str, Bad | None] | None:
            try:
                return _check(store, entry, bar.update, read_all=read_all)
            except FileNotFoundError:  # collected meanwhile
                return None

        for entry, checked in zip(named, pool.map(one, named), strict=True):
            if checked is None:
                continue
            how, wrong = checked
            by[how] += not entry.key.startswith(RUNS)
            if wrong:
                bad[entry.key] = wrong
            else:
                good[entry.key] = entry
    objects = [entry for entry in named if entry.key.startswith(OBJECTS)]
    counts = Counts(where, by.total(), sum(entry.bytes for entry in objects), dict(+by))
    return Survey(store, where, good, bad, strays, counts)


def _check(store: Store, entry: Entry, advance: Callable[[int], object], *, read_all: bool) -> tuple[str, Bad | None]:
    """How a file was looked at, and what is wrong with it."""
    oid = oid_of(entry.key)
    if oid is None:
        content = store.read(entry.key)
        wrong = run_fault(entry.key, content)
        return READ, Bad(entry, md5_of_stream(io.BytesIO(content)), wrong) if wrong else None
    if entry.etag == digits(oid) and not read_all:  # proof of what the store took in
        advance(entry.bytes)
        how, md5 = BY_ETAG, entry.etag
    else:
        how, md5 = READ, store.md5(entry.key, advance)
    if md5 != digits(oid):
        return how, Bad(entry, md5, f"its {entry.bytes} bytes have MD5 {md5}" if entry.bytes else "empty")
    if oid.endswith(".dir"):
        try:
            read_tree(store.read(entry.key))
        except ValueError as error:
            return how, Bad(entry, md5, str(error))
    return how, None


def run_fault(key: str, content: bytes) -> str:
    """What is wrong with an entry of the run-cache, whose name is a hash of what it says; "" for nothing.

    As `dvc/stage/cache.py` of DVC 3.67 names them.
    """
    from dvc.utils import dict_sha256
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

    name = _RUN.fullmatch(key)
    if not name or not name["key"].startswith(name["head"]):
        return "no entry's name; left by a killed run"
    try:
        entry = parse_yaml(content.decode("utf-8"), key)
        value = dict_sha256(entry, exclude=_NOT_HASHED)
        asked = dict_sha256({**entry, "outs": [out["path"] for out in entry.get("outs", [])]}, exclude=_NOT_HASHED)
    except (YAMLFileCorruptedError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"unreadable: {type(error).__name__}"
    if value != name["value"]:
        return "it says something else than its name"
    return "" if asked == name["key"] else "it lies under another run's name"
