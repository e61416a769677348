"""One object to one file: into a temporary file, checked, then renamed; what breaks is fetched again from its start.

Each attempt is one request, whose answer names the version that comes and holds the store's checksum of the whole.
boto3's transfer manager asks for ranges, to which stores give no checksum.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padstal.ingest.config import S3Source
from padstal.ingest.s3.errors import StoreError, boto_errors, code_of, explain, failure, refuses_us
from padstal.ingest.s3.mirror_index import Entry
from padstal.ingest.s3.objects import Listed, etag_of

BY_MANIFEST, BY_CHECKSUM, BY_ETAG, BY_LENGTH = "manifest_sha256", "checksum", "etag_md5", "length"
"""Checks, the strongest first: the manifest's sha256; a checksum of the whole that the store keeps and botocore knows
(CRC-32, SHA-1, SHA-256); the MD5 that is the ETag of an object put in one part; else length alone, which is said."""
_BLOCK_BYTES = 2**18
_MD5_DIGITS = 32


class FailedError(Exception):
    """One object that cannot be had; the others can go on."""


class CorruptError(Exception):
    """Bytes that are not what the store promised."""


@dataclass(frozen=True)
class Fetcher:
    """What fetching any object needs; used by several threads at a time.

    Attributes:
        client: Of `client_of`.
        source: Where objects lie.
        folder: Of the mirror.
        parts: Folder for temporary files, on the same file system.
    """

    client: Any
    source: S3Source
    folder: Path
    parts: Path

    def fetch(self, item: Listed) -> Entry:
        """Bring `item` to the mirror; its name there appears with its whole, checked content or not at all.

        Raises:
            FailedError: This object cannot be had.
            StoreError: We are refused, or its file cannot be written.
        """
        longest = self.source.fetch.max_object_mebibytes * 2**20
        if item.bytes > longest:
            raise FailedError(f"{item.bytes} bytes: expected at most {longest}")
        part, final = self.parts / uuid.uuid4().hex, self.folder / item.key
        try:
            length, etag, sha256, check = self._received(item, part)
            _make_way(self.folder, final)
            part.replace(final)
            modified = final.stat().st_mtime_ns
        except OSError as error:
            raise StoreError(f"{final}: cannot be written: {error.strerror}; make room and run again") from error
        finally:
            part.unlink(missing_ok=True)
        return Entry(item.key, length, etag, sha256, check, datetime.now(UTC).isoformat(timespec="seconds"), modified)

    def _received(self, item: Listed, part: Path) -> tuple[int, str, str, str]:
        """Length, ETag and sha256 of what came into `part`, which is what the bucket holds now, and its check."""
        broken: tuple[type[Exception], ...] = (CorruptError, *boto_errors())
        wrong: Exception | None = None
        for _ in range(self.source.fetch.attempts):
            answer = self._ask(item.key)
            try:
                sha256, md5 = _write(answer["Body"], part)
                return answer["ContentLength"], etag_of(answer), sha256, _check(item, answer, sha256, md5)
            except broken as error:
                wrong = error
        assert wrong
        raise FailedError(f"{self.source.fetch.attempts} attempts, the last: {explain(wrong)}") from wrong

    def _ask(self, key: str) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self.client.get_object(Bucket=self.source.bucket, Key=self.source.prefix + key)
            return answer
        except boto_errors() as error:
            if refuses_us(error):
                raise failure(self.source.place, error) from error
            gone = code_of(error)[1] == 404
            raise FailedError("gone since it was listed" if gone else explain(error)) from error


def _write(body: Any, part: Path) -> tuple[str, str]:
    """SHA-256 and MD5 of a body, which is on disk then."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with body, part.open("wb") as file:
        for block in body.iter_chunks(_BLOCK_BYTES):
            for digest in (sha256, md5):
                digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return sha256.hexdigest(), md5.hexdigest()


def _check(item: Listed, answer: Mapping[str, Any], sha256: str, md5: str) -> str:
    """The check that these bytes passed.

    Raises:
        CorruptError: They are others than those promised.
    """
    from botocore.httpchecksum import StreamingChecksumBody

    if item.sha256:
        if sha256 != item.sha256:
            raise CorruptError(f"sha256 {sha256}, the manifest's is {item.sha256}")
        return BY_MANIFEST
    if isinstance(answer["Body"], StreamingChecksumBody):  # it was held against its checksum as it was read
        return BY_CHECKSUM
    etag = etag_of(answer)
    own_key = "kms" in str(answer.get("ServerSideEncryption")) or answer.get("SSECustomerAlgorithm")
    if own_key or len(etag) != _MD5_DIGITS:  # put in several parts, or encrypted
        return BY_LENGTH
    if md5 != etag:
        raise CorruptError(f"MD5 {md5}, its ETag is {etag}")
    return BY_ETAG


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
