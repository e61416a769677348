"""One object to one file: into a temporary file, checked, then renamed; what breaks is fetched again from its start.

Each attempt is one request, made on the condition that the ETag is the listed one; its answer holds the store's
checksum of the whole. That is why boto3's transfer manager, which asks for ranges and learns no checksum, is not used.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padstal.ingest.s3.checksums import expected_checksums, verify
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
_AGAIN = (StoreFailure.TRANSIENT, StoreFailure.CORRUPT, StoreFailure.CHANGED)


class FailedError(Exception):
    """One object that cannot be had; the others can go on."""


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
        if item.bytes > self.longest_bytes:
            raise FailedError(f"{item.bytes} bytes: expected at most {self.longest_bytes}")
        failures, changed = 0, False
        while True:
            try:
                if changed:
                    item = replace(head(self.client, self.store, item.key, self.retry_budget), sha256=item.sha256)
                return self._attempt(item)
            except (StoreError, StoppedError):
                raise
            except Exception as error:
                kind = store_failure(error)
                if kind is StoreFailure.CREDENTIALS:
                    raise refused(self.store.place, error) from error
                if kind is StoreFailure.MISSING:
                    raise FailedError("gone since it was listed") from error
                if kind not in _AGAIN:
                    raise FailedError(explain(error)) from error
                failures, changed = failures + 1, kind is StoreFailure.CHANGED
                if failures >= self.retry_budget.attempts:
                    raise FailedError(f"{failures} attempts, the last: {explain(error)}") from error
            self.retry_budget.wait(failures)

    def _attempt(self, item: Listed) -> Entry:
        part = self.parts / uuid.uuid4().hex
        try:
            answer = self.client.get_object(**self._request(item), ChecksumMode="ENABLED")
            etag = str(answer.get("ETag", "")).strip('"')
            if (item.etag and etag != item.etag) or answer["ContentLength"] != item.bytes:
                found = f"ETag {etag} with {answer['ContentLength']} bytes"
                raise ChangedError(f"{found}, listed as {item.etag} with {item.bytes}")
            self._receive(answer["Body"], part, item.bytes)
            sha256, check = verify(
                part,
                length=item.bytes,
                etag=item.etag,
                sha256=item.sha256,
                promised=expected_checksums(answer),
                part_lengths=lambda count, every: self._part_lengths(item, count, every),
            )
            final = self.folder / item.key
            with _on_disk(final):
                _make_way(self.folder, final)
                part.replace(final)
                modified = final.stat().st_mtime_ns
        except BaseException:
            self.advance(-part.stat().st_size if part.exists() else 0)
            raise
        finally:
            part.unlink(missing_ok=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Entry(item.key, item.bytes, item.etag, sha256, check, now, modified)

    def _receive(self, body: Any, part: Path, left: int) -> None:
        with _on_disk(part):
            file = part.open("wb", buffering=0)
        with body as raw, file:
            while left:
                if self.retry_budget.stop.is_set():
                    raise StoppedError
                block = raw.read1(min(BLOCK_BYTES, left))
                if not block:
                    raise ConnectionError(f"the line closed {left} bytes early")
                with _on_disk(part):
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
                self.advance(len(block))
                left -= len(block)
            with _on_disk(part):
                os.fsync(file.fileno())

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


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """Errors of this machine's disk end the run; those of the line do not."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"{path.parent}: no space left on this disk; make room and run again") from error
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
