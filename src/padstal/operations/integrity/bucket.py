"""A DVC remote in an S3-compatible store: listed in pages, checked by ETag where that is proof, else by its bytes."""

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from padstal.core.dvc_objects import BLOCK_BYTES, OBJECTS
from padstal.ingest.s3.checksums import BY_LENGTH, expected_checksums, verify
from padstal.ingest.s3.errors import (
    CorruptError,
    CredentialsError,
    RetryBudget,
    StoppedError,
    StoreError,
    StoreFailure,
    explain,
    store_failure,
)
from padstal.ingest.s3.objects import Store, split_uri
from padstal.operations.integrity.locations import BY_COPY, BY_ETAG, QUARANTINE, READ, Entry, Verdict

ResultT = TypeVar("ResultT")

CONNECTIONS = 16
HEADS = tuple(f"{number:02x}" for number in range(256))
"""Names of the folders that objects lie in."""
ADVICE = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones) or AWS_PROFILE, "
    "`aws sso login`, or `dvc remote modify --local REMOTE access_key_id …` and so on"
)


class Bucket:
    """A place in an S3-compatible store.

    Args:
        store: How to ask it.
        name: As messages name it.
        extra: What goes with each object that is written (encryption, ACL).
        retry_budget: With a busy store.
        read_all: Read every object's bytes, though its ETag is the MD5 it should have.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        retry_budget: RetryBudget | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        read_all: bool = False,
    ):
        self.name, self.jobs = name, CONNECTIONS
        self.bucket, self.prefix = split_uri(store.uri)
        self.retry_budget = retry_budget or RetryBudget(6, 8.0, threading.Event())
        self.read_all = read_all
        self._extra = dict(extra or {})
        self._client = self._asking(store.client)

    def entries(self, folder: str, heads: Collection[str] = ()) -> Iterator[Entry]:
        """As `Place`: a page of 1,000; if more follow, the objects' folders one by one, several at a time."""
        first, more = self._page(folder)
        if not more or folder != OBJECTS:
            yield from first
            yield from self._following(folder, more)
            return
        from concurrent.futures import ThreadPoolExecutor

        folders = [f"{OBJECTS}{head}/" for head in (sorted(heads) or HEADS)]
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for found in pool.map(self._all, folders):
                    yield from found
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def check(self, entry: Entry, md5: str, copy: Path | None, advance: Callable[[int], object]) -> Verdict:
        """As `Place`.

        An ETag that equals the MD5 is proof of what the store took in. A long object, put in parts, has another ETag:
        then a checksum that the store keeps is compared with that of `copy`. Else, or with `read_all`, it is read.
        """
        if not self.read_all:
            if entry.etag == md5:
                advance(entry.bytes)
                return Verdict(md5, BY_ETAG)
            if copy is not None:
                same = self._same(entry, copy)
                if same is not None:
                    advance(entry.bytes)
                    return Verdict(md5 if same else "", BY_COPY)
        return Verdict(self._md5(entry.key, advance), READ)

    def read(self, key: str) -> bytes:
        """As `Place`."""
        return self._asking(lambda: self._get(key)["Body"].read(), key)

    def fetch(self, key: str, target: Path) -> None:
        """As `Place`."""

        def once() -> None:
            with target.open("wb") as file:
                for block in self._get(key)["Body"].iter_chunks(BLOCK_BYTES):
                    file.write(block)

        self._asking(once, key)

    def put(self, key: str, source: Path) -> None:
        """As `Place`; long files go in parts."""
        self._asking(
            lambda: self._client.upload_file(str(source), self.bucket, self.prefix + key, ExtraArgs=self._extra), key
        )

    def set_aside(self, key: str, mark: str) -> str:
        """As `Place`: the store copies it, then the old name goes."""
        new = f"{QUARANTINE}{key.removeprefix(OBJECTS).replace('/', '', 1)}.{mark}"
        source = {"Bucket": self.bucket, "Key": self.prefix + key}
        self._asking(lambda: self._client.copy(source, self.bucket, self.prefix + new, ExtraArgs=self._extra), key)
        self._asking(lambda: self._client.delete_object(**source), key)
        return new

    def _get(self, key: str) -> Any:
        return self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)

    def _md5(self, key: str, advance: Callable[[int], object]) -> str:
        def once() -> str:
            digest, count = hashlib.md5(usedforsecurity=False), 0
            try:
                for block in self._get(key)["Body"].iter_chunks(BLOCK_BYTES):
                    digest.update(block)
                    count += len(block)
                    advance(len(block))
            except BaseException:
                advance(-count)
                raise
            return digest.hexdigest()

        return self._asking(once, key)

    def _same(self, entry: Entry, copy: Path) -> bool | None:
        """Whether the store's own checksum says that it holds the bytes of `copy`; None if it has no such checksum."""
        name = {"Bucket": self.bucket, "Key": self.prefix + entry.key}
        answer = self._asking(lambda: self._client.head_object(**name, ChecksumMode="ENABLED"), entry.key)

        def part_lengths(count: int, every: bool) -> list[int]:
            numbers = range(1, count + 1) if every else (1,)
            return [
                self._asking(lambda: self._client.head_object(**name, PartNumber=number), entry.key)["ContentLength"]  # noqa: B023
                for number in numbers
            ]

        try:
            _, how = verify(
                copy,
                length=answer["ContentLength"],
                etag=answer.get("ETag", "").strip('"'),
                sha256="",
                promised=expected_checksums(answer),
                part_lengths=part_lengths,
            )
        except CorruptError:
            return False
        return None if how == BY_LENGTH else True

    def _all(self, folder: str) -> list[Entry]:
        first, more = self._page(folder)
        return [*first, *self._following(folder, more)]

    def _following(self, folder: str, more: str) -> Iterator[Entry]:
        """What comes after a page."""
        while more:
            found, more = self._page(folder, more)
            yield from found

    def _page(self, folder: str, after: str = "") -> tuple[list[Entry], str]:
        """A page of a listing, and the token of the next one or ""."""
        name = {"Bucket": self.bucket, "Prefix": self.prefix + folder}
        token = {"ContinuationToken": after} if after else {}
        page = self._asking(lambda: self._client.list_objects_v2(**name, **token))
        found = [
            Entry(item["Key"][len(self.prefix) :], item["Size"], item.get("ETag", "").strip('"'))
            for item in page.get("Contents", [])
            if item["Size"] or not item["Key"].endswith("/")  # a mark of a folder, as some tools write
        ]
        return found, page["NextContinuationToken"] if page.get("IsTruncated") else ""

    def _asking(self, request: Callable[[], ResultT], key: str = "") -> ResultT:
        """What `request` gives, with patience; the store's errors become ours.

        Raises:
            CredentialsError: We are refused.
            FileNotFoundError: The key is not there.
            StoreError: The store gives no usable answer.
            StoppedError: Time is up.
        """
        where = f"{self.name}: {key}" if key else self.name
        if self.retry_budget.stop.is_set():
            raise StoppedError
        try:
            return self.retry_budget.ask(request)
        except (StoreError, StoppedError, FileNotFoundError):
            raise
        except Exception as error:
            match store_failure(_cause(error)):
                case StoreFailure.CREDENTIALS | StoreFailure.DENIED:
                    advice = ADVICE.replace("REMOTE", self.name.removeprefix("remote "))
                    raise CredentialsError(f"{where}: refused: {explain(error)}; {advice}") from error
                case StoreFailure.MISSING if key:
                    raise FileNotFoundError(where) from error
                case StoreFailure.TRANSIENT:
                    text = f"{where}: no usable answer: {explain(error)}; is the endpoint right, and up?"
                    raise StoreError(text) from error
                case _:
                    raise StoreError(f"{where}: {explain(error)}; expected a bucket that is there") from error


def _cause(error: Exception) -> Exception:
    """The store's error behind one of boto3's transfers."""
    from boto3.exceptions import Boto3Error

    behind = error.__cause__ or error.__context__
    return behind if isinstance(error, Boto3Error) and isinstance(behind, Exception) else error
