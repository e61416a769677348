"""One object to one file: into a temporary file that a later run can go on with, checked, then renamed."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from padstal.ingest.s3.checksums import ExpectedChecksums, expected_checksums, verify
from padstal.ingest.s3.errors import (
    ChangedError,
    RetryBudget,
    StoppedError,
    StoreError,
    StoreFailure,
    explain,
    refused,
    store_failure,
)
from padstal.ingest.s3.mirror_index import Entry
from padstal.ingest.s3.objects import Listed, Store, head

BLOCK_BYTES = 2**18
PROGRESS_BYTES = 2**23
"""An attempt that brings as much does not count as failed, so that long files come over bad lines."""
SLOWEST_BYTES_PER_SECOND = 1024
"""A line that is slower over the store's timeout counts as dead."""


class FailedError(Exception):
    """One object that cannot be had; the others can go on."""


class DiskFullError(StoreError):
    """No room for an object; what there was of it is gone."""


@dataclass(frozen=True)
class Fetcher:
    """What fetching any object needs; used by several threads at a time.

    Attributes:
        client: Of `Store.client`.
        store: Where objects lie.
        folder: Of the mirror.
        parts: Folder for temporary files, on the same file system.
        retry_budget: With a busy store.
        longest_bytes: Longer objects are refused.
        advance: Told how many bytes came (less than 0: were thrown away).
    """

    client: Any
    store: Store
    folder: Path
    parts: Path
    retry_budget: RetryBudget
    longest_bytes: int
    advance: Callable[[int], object]

    def fetch(self, item: Listed) -> Entry:
        """Bring `item` to the mirror; its name there appears with its whole, checked content or not at all.

        Raises:
            FailedError: This object cannot be had.
            CredentialsError: We are refused.
            StoreError: Its file cannot be written.
            StoppedError: The run ended.
        """
        failures = spoilt = 0
        stale = False
        while True:
            part = self.parts / part_name(item)
            before = _length(part)
            try:
                if stale:
                    item = replace(head(self.client, self.store, item.key, self.retry_budget), sha256=item.sha256)
                    stale = False
                    part = self.parts / part_name(item)
                    before = _length(part)
                return self._attempt(item, part)
            except DiskFullError:
                part.unlink(missing_ok=True)
                raise
            except (FailedError, StoreError, StoppedError):
                raise
            except Exception as error:
                kind = store_failure(error)
                if kind is StoreFailure.CREDENTIALS:
                    raise refused(self.store.place, error) from error
                if kind is StoreFailure.TRANSIENT:
                    failures = 1 if _length(part) - before >= PROGRESS_BYTES else failures + 1
                elif kind in (StoreFailure.CORRUPT, StoreFailure.CHANGED):
                    spoilt += 1
                    stale = kind is StoreFailure.CHANGED
                    self.advance(-_length(part))
                    part.unlink(missing_ok=True)
                else:
                    raise FailedError(_final(kind, error)) from error
                if max(failures, spoilt) >= self.retry_budget.attempts:
                    raise FailedError(f"{max(failures, spoilt)} attempts, the last: {explain(error)}") from error
            self.retry_budget.wait(max(failures, spoilt))

    def _attempt(self, item: Listed, part: Path) -> Entry:
        if item.bytes > self.longest_bytes:
            raise FailedError(f"{item.bytes} bytes: expected at most {self.longest_bytes}")
        promised = self._fill(item, part)
        sha256, check = verify(
            part,
            length=item.bytes,
            etag=item.etag,
            sha256=item.sha256,
            promised=promised,
            part_lengths=lambda count, every: self._part_lengths(item, count, every),
        )
        final = self.folder / item.key
        with _on_disk(final):
            _make_way(self.folder, final)
            part.chmod(0o644)
            part.replace(final)
            modified = final.stat().st_mtime_ns
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Entry(item.key, item.bytes, item.etag, sha256, check, now, modified)

    def _fill(self, item: Listed, part: Path) -> ExpectedChecksums:
        """Bring `part` to its full length, from where it is; gives what the store promises of the whole."""
        answer: Mapping[str, Any] | None = None
        with _opened(part) as file:
            have = file.tell()
            if have > item.bytes:
                self._forget(file)
                have = 0
            if have == 0 or have < item.bytes:
                wanted = {"Range": f"bytes={have}-"} if have else {"ChecksumMode": "ENABLED"}
                answer = self.client.get_object(**self._request(item), **wanted)
                whole = not have or not str(answer.get("ContentRange", "")).startswith(f"bytes {have}-")
                if have and whole:  # a store without ranges begins anew
                    self._forget(file)
                    have = 0
                _same_version(answer, item, item.bytes - have)
                self._receive(answer["Body"], file, item.bytes - have)
                answer = answer if whole and not wanted.get("Range") else None
            with _on_disk(part):
                os.fsync(file.fileno())
        if answer is None:
            request = {**self._request(item), "ChecksumMode": "ENABLED"}
            answer = self.retry_budget.ask(lambda: self.client.head_object(**request))
        return expected_checksums(answer)

    def _receive(self, body: Any, file: FileIO, left: int) -> None:
        with body as raw:
            since, came = time.monotonic(), 0
            while left:
                if self.retry_budget.stop.is_set():
                    raise StoppedError
                block = raw.read1(min(BLOCK_BYTES, left))
                if not block:
                    raise ConnectionError(f"the line closed {left} bytes early")
                with _on_disk(Path(file.name)):
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
                self.advance(len(block))
                left -= len(block)
                came += len(block)
                passed = time.monotonic() - since
                if passed >= self.store.timeout_seconds:
                    if came < SLOWEST_BYTES_PER_SECOND * passed:
                        raise TimeoutError(f"{came} bytes in {passed:.0f} s")
                    since, came = time.monotonic(), 0

    def _forget(self, file: FileIO) -> None:
        self.advance(-file.tell())
        file.truncate(0)
        file.seek(0)

    def _part_lengths(self, item: Listed, count: int, every: bool) -> list[int]:
        """Lengths of the parts that the object was put in, from the store; empty where it does not tell."""
        lengths = []
        for number in range(1, (count if every else 1) + 1):
            request = {**self._request(item), "PartNumber": number}
            try:
                answer = self.retry_budget.ask(lambda: self.client.head_object(**request))  # noqa: B023
            except Exception as error:
                if store_failure(error) is not StoreFailure.PERMANENT:
                    raise
                return []
            if answer.get("PartsCount") != count:
                return []
            lengths.append(int(answer["ContentLength"]))
        return lengths

    def _request(self, item: Listed) -> dict[str, str]:
        request = {"Bucket": self.store.bucket, "Key": self.store.prefix + item.key}
        return {**request, "IfMatch": f'"{item.etag}"'} if item.etag else request


def part_name(item: Listed) -> str:
    """Name of the temporary file of this version of an object."""
    return hashlib.sha256(f"{item.etag}\0{item.bytes}\0{item.key}".encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _same_version(answer: Mapping[str, Any], item: Listed, left: int) -> None:
    etag = str(answer.get("ETag", "")).strip('"')
    if (item.etag and etag != item.etag) or answer["ContentLength"] != left:
        raise ChangedError(
            f"ETag {etag} with {answer['ContentLength']} bytes to come, listed as {item.etag} with {left}"
        )


def _final(kind: StoreFailure, error: Exception) -> str:
    return "gone since it was listed" if kind is StoreFailure.MISSING else explain(error)


def _make_way(folder: Path, final: Path) -> None:
    """Parents of `final` as true folders, and nothing but a file or nothing at its name.

    What stands in the way is left from objects that are no more: no two wanted keys clash (`object_names`).
    """
    below = folder
    for part in final.relative_to(folder).parts[:-1]:
        below = below / part
        if below.is_symlink() or below.is_file():
            below.unlink(missing_ok=True)
        below.mkdir(exist_ok=True)
    if final.is_dir() and not final.is_symlink():
        shutil.rmtree(final)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


@contextmanager
def _opened(part: Path) -> Iterator[FileIO]:
    """At its end; what is written is not held back, so that its length tells how far it came."""
    with _on_disk(part):
        file = part.open("ab", buffering=0)
    with file:
        yield file


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """Errors of this machine's disk end the run; those of the line do not."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"{path.parent}: no space left on this disk; make room and run again") from error
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
