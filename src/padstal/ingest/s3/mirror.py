"""A bucket's objects as a folder: what is new or changed is fetched, what is gone goes, no file is ever half there."""

import os
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tqdm import tqdm

from padstal.core.data.content import sha256_file
from padstal.ingest.config import S3Source
from padstal.ingest.listing import walk
from padstal.ingest.s3.errors import CREDENTIALS_HELP, StoreError
from padstal.ingest.s3.mirror_index import STATE, HiddenObjects, Index, claimed
from padstal.ingest.s3.object_names import place
from padstal.ingest.s3.objects import Listed, Listing, client_of, list_objects
from padstal.ingest.s3.transfer import FailedError, Fetcher
from padstal.ingest.worker_pool import in_order


@dataclass(frozen=True)
class Mirrored:
    """What a run did.

    Attributes:
        listing: What the store held.
        failed: Keys that are in the store and not in the mirror, with why.
        fetched, kept, removed: Objects that came, were there unchanged, and went.
        forgotten: Keys that are in the store and are not kept, because they are to be forgotten.
        checks: How many of the objects in the mirror passed which check (`transfer`).
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
        StoreError: The store refuses or fails us, or bucket, disk, captions table or too many objects fail.
    """
    client = client_of(source)
    with claimed(folder, {"uri": f"s3://{source.bucket}/{source.prefix}", "endpoint_url": source.endpoint_url}):
        listing = list_objects(source, client)
        found = {item.key: item for item in listing.objects}
        names, refused = place(found)
        failed = {**listing.failed, **refused}
        index, hidden = Index(folder), HiddenObjects(folder, forgotten)
        gone = [key for key in names if hidden.hides(found[key])]
        names = [key for key in names if not hidden.hides(found[key])]
        missing = [found[key] for key in names if not _unchanged(folder, index, found[key])]
        parts = folder / STATE / "parts"
        shutil.rmtree(parts, ignore_errors=True)  # a killed run's
        parts.mkdir()
        most = source.fetch.max_failed_share * (len(found) + len(listing.failed))
        _fetch_all(Fetcher(client, source, folder, parts), missing, index, failed, most, quiet)
        fetched = sum(item.key not in failed for item in missing)
        came = [key for key in names if key not in failed]
        new = [key for key in came if index.entries[key].sha256 in hidden.forgotten]
        hidden.add(index.entries[key] for key in new)
        here = [key for key in came if key not in set(new)]
        removed = _sweep(folder, set(here))
        index.rewrite(here)
    if source.captions and source.captions in failed:
        raise StoreError(f"{source.uri}: captions table {source.captions}: {failed[source.captions]}")
    checks = Counter(index.entries[key].check for key in here)
    return Mirrored(listing, failed, fetched, len(here) - fetched, removed, dict(sorted(checks.items())), [*gone, *new])


def _fetch_all(
    fetcher: Fetcher, missing: list[Listed], index: Index, failed: dict[str, str], most: float, quiet: bool
) -> None:
    """Fetch in parallel; adds to `failed` what did not come.

    Raises:
        StoreError: More than `most` failed, or any object's error is everyone's.
    """

    stop = Event()

    def one(item: Listed) -> str:
        """Why it did not come; "" where it did."""
        if stop.is_set():  # nobody asks once more with rights that are known to be gone
            raise CancelledError
        try:
            index.add(fetcher.fetch(item))
        except FailedError as error:
            return str(error)
        except Exception:
            stop.set()
            raise
        return ""

    source, total = fetcher.source, sum(item.bytes for item in missing)
    _check_failed(failed, most, fetcher)
    with (
        tqdm(total=total, desc=f"fetch {source.uri}", unit="B", unit_scale=True, disable=quiet or not missing) as bar,
        ThreadPoolExecutor(source.fetch.connections, thread_name_prefix="fetch") as pool,
    ):
        try:
            answers = in_order(lambda item: pool.submit(one, item), missing, width=source.fetch.connections)
            for item, answer in answers:
                if why := answer.result():
                    failed[item.key] = why
                    _check_failed(failed, most, fetcher)
                bar.update(item.bytes)
        finally:
            pool.shutdown(cancel_futures=True)


def _check_failed(failed: Mapping[str, str], most: float, fetcher: Fetcher) -> None:
    """Raises StoreError where more than `most` objects failed."""
    if len(failed) > most:
        first, source = next(iter(failed)), fetcher.source
        denied = sum("(HTTP 403)" in why for why in failed.values())
        help_ = f"; most are refused: {CREDENTIALS_HELP}" if 2 * denied > len(failed) else ""
        raise StoreError(
            f"{source.place}: {len(failed)} objects failed, more than max_failed_share = "
            f"{source.fetch.max_failed_share:g}; the first: {first!r}: {failed[first]}{help_}; what came is kept in "
            f"{fetcher.folder}"
        )


def _unchanged(folder: Path, index: Index, item: Listed) -> bool:
    """Whether the mirror holds this version of the object; a file that someone touched is read to tell."""
    entry, file = index.entries.get(item.key), folder / item.key
    if entry is None or not item.etag or (entry.etag, entry.bytes) != (item.etag, item.bytes):
        return False
    if item.sha256 not in ("", entry.sha256) or not file.is_file() or file.is_symlink():
        return False
    stat = file.stat()
    return stat.st_size == entry.bytes and (stat.st_mtime_ns == entry.mtime_ns or sha256_file(file) == entry.sha256)


def _sweep(folder: Path, here: set[str]) -> int:
    """Remove files that are no object's, and folders that this leaves empty; gives how many files."""
    strays = [found.path for found in walk(folder).files if found.path not in here]
    for path in strays:
        os.unlink(folder / path)
    for parent, _, _ in os.walk(folder, topdown=False):
        if parent != str(folder) and STATE not in Path(parent).relative_to(folder).parts and not os.listdir(parent):
            os.rmdir(parent)
    return len(strays)
