"""A bucket's objects as a folder: what is new or changed is fetched, what is gone goes, no file is ever half there."""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from padstal.core.data.content import sha256_file
from padstal.ingest.config import S3Source
from padstal.ingest.listing import list_bucket, retry_budget_of, store_of, walk
from padstal.ingest.s3.errors import CREDENTIALS_HELP, StoppedError, StoreError
from padstal.ingest.s3.mirror_index import STATE, HiddenObjects, Index, claimed
from padstal.ingest.s3.object_names import place
from padstal.ingest.s3.objects import Listed, Listing, Store
from padstal.ingest.s3.transfer import FailedError, Fetcher

SPARE_BYTES = 2**28
"""Room that a fetch leaves on the disk."""
BATCH = 4096
"""Objects that wait for a connection at a time."""


@dataclass(frozen=True)
class Mirrored:
    """What a run did.

    Attributes:
        listing: What the store held.
        failed: Keys that are in the store and not in the mirror, with why.
        fetched, kept, removed: Objects that came, were there unchanged, and went.
        forgotten: Keys that are in the store and are not kept, because they are to be forgotten.
        checks: How many of the objects in the mirror passed which check (`checksums`).
    """

    listing: Listing
    failed: Mapping[str, str]
    fetched: int
    kept: int
    removed: int
    checks: Mapping[str, int]
    forgotten: Collection[str] = ()

    def __str__(self) -> str:
        return (
            f"{self.fetched} objects fetched, {self.kept} unchanged, {self.removed} removed, "
            f"{len(self.failed)} failed; checked by {dict(self.checks)}"
        )


def mirror(source: S3Source, folder: Path, *, forgotten: Collection[str] = (), quiet: bool = False) -> Mirrored:
    """Make `folder` hold what a bucket holds.

    A run that is killed leaves whole files under their names, which the next does not fetch again. A run that fails
    removes nothing.

    Args:
        source: The bucket, and how objects come from it.
        folder: The mirror; made if needed.
        forgotten: SHA-256 of objects that do not stay; once known, such an object is not fetched again.
        quiet: No progress bar.

    Raises:
        CredentialsError: We are refused.
        StoreError: The store, the bucket or the disk fails us, too many objects do, or the captions table does.
    """
    store, retry_budget, fetch = store_of(source), retry_budget_of(source), source.fetch
    client = store.client()
    with claimed(folder, {"uri": f"s3://{store.bucket}/{store.prefix}", "endpoint_url": store.endpoint_url}):
        listing = list_bucket(source, client, retry_budget)
        found = {item.key: item for item in listing.objects}
        names, refused = place(found, folder)
        failures = _Failures(store, folder, len(found) + len(listing.failed), fetch.max_failed_share, retry_budget.stop)
        for key, why in {**listing.failed, **refused}.items():
            failures.add(key, why)
        index = Index(folder)
        hidden = HiddenObjects(folder, forgotten)
        gone = [key for key in names if hidden.hides(found[key])]
        names = [key for key in names if not hidden.hides(found[key])]
        missing = [found[key] for key in names if not _unchanged(folder, index, found[key])]
        parts = folder / STATE / "parts"
        shutil.rmtree(parts, ignore_errors=True)  # a killed run's
        parts.mkdir()
        _room_for(folder, sum(item.bytes for item in missing))
        with tqdm(
            total=sum(item.bytes for item in missing),
            desc=f"fetch {store.uri}",
            unit="B",
            unit_scale=True,
            disable=quiet or not missing,
        ) as bar:
            fetcher = Fetcher(
                client, store, folder, parts, retry_budget, fetch.max_object_mebibytes * 2**20, bar.update
            )
            fetched = _fetch_all(fetcher, missing, index, failures)
        here = [key for key in names if key not in failures.why]
        new = [key for key in here if index.entries[key].sha256 in hidden.forgotten]
        hidden.add(index.entries[key] for key in new)
        here = [key for key in here if key not in set(new)]
        removed = _sweep(folder, set(here))
        index.rewrite(here)
    if source.captions and source.captions in failures.why:
        raise StoreError(f"{source.uri}: captions table {source.captions}: {failures.why[source.captions]}")
    checks = Counter(index.entries[key].check for key in here)
    return Mirrored(
        listing, failures.why, fetched, len(here) - fetched, removed, dict(sorted(checks.items())), [*gone, *new]
    )


class _Failures:
    """Objects that failed, and the end of the run when they are too many."""

    def __init__(self, store: Store, folder: Path, total: int, share: float, stop: threading.Event):
        self.why: dict[str, str] = {}
        self._store, self._folder, self._total, self._share, self._stop = store, folder, total, share, stop

    def add(self, key: str, why: str) -> None:
        """Record one.

        Raises:
            StoreError: They are more than the share allowed.
        """
        self.why[key] = why
        if len(self.why) > self._share * self._total:
            self._stop.set()
            first = next(iter(self.why))
            denied = sum("(HTTP 403)" in reason for reason in self.why.values())
            help_ = f"; most are refused: {CREDENTIALS_HELP}" if 2 * denied > len(self.why) else ""
            raise StoreError(
                f"{self._store.place}: {len(self.why)} of {self._total} objects failed, more than max_failed_share = "
                f"{self._share:g}; the first: {first!r}: {self.why[first]}{help_}; what came is kept in {self._folder}"
            )


def _fetch_all(fetcher: Fetcher, missing: list[Listed], index: Index, failures: _Failures) -> int:
    """Fetch in parallel; gives how many came."""
    stop, errors = fetcher.retry_budget.stop, list[Exception]()

    def one(item: Listed) -> str:
        try:
            if stop.is_set():
                raise StoppedError
            index.add(fetcher.fetch(item))
            return ""
        except FailedError as error:
            return str(error)
        except Exception as error:
            errors.append(error)
            stop.set()
            return "the run ended"

    fetched = 0
    with ThreadPoolExecutor(fetcher.store.connections, thread_name_prefix="fetch") as pool:
        try:
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                for item, why in zip(batch, pool.map(one, batch), strict=True):
                    if errors:
                        raise errors[0]
                    if why:
                        failures.add(item.key, why)
                    fetched += not why
        finally:
            stop.set()
    return fetched


def _unchanged(folder: Path, index: Index, item: Listed) -> bool:
    """Whether the mirror holds this version of the object; a file that someone touched is read to tell."""
    entry = index.entries.get(item.key)
    if entry is None or not item.etag or (entry.etag, entry.bytes) != (item.etag, item.bytes):
        return False
    if item.sha256 and item.sha256 != entry.sha256:
        return False
    file = folder / item.key
    if not file.is_file() or file.is_symlink():
        return False
    stat = file.stat()
    if stat.st_size != entry.bytes:
        return False
    return stat.st_mtime_ns == entry.mtime_ns or sha256_file(file) == entry.sha256


def _room_for(folder: Path, octets: int) -> None:
    free = shutil.disk_usage(folder).free
    if octets > 0 and octets + SPARE_BYTES > free:
        raise StoreError(
            f"{folder}: {octets / 1e9:.2f} GB to fetch, {free / 1e9:.2f} GB free on this disk; make room, or make the "
            "folder a link to a larger disk"
        )


def _sweep(folder: Path, here: set[str]) -> int:
    """Remove files that are no object's, and folders that this leaves empty; gives how many files."""
    removed = 0
    for found in walk(folder).files:
        if found.path not in here:
            os.unlink(folder / found.path)
            removed += 1
    for parent, _, _ in os.walk(folder, topdown=False):
        if parent != str(folder) and STATE not in Path(parent).relative_to(folder).parts and not os.listdir(parent):
            os.rmdir(parent)
    return removed
