"""What a bucket holds: the objects below a prefix, or those that a manifest names, from any S3-compatible store."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from padstal.ingest.s3.errors import (
    RetryBudget,
    StoppedError,
    StoreError,
    StoreFailure,
    explain,
    refused,
    store_failure,
)

LONGEST_MANIFEST_BYTES = 2**30
STOPPED = "the run ended before it was looked up"
_URI = re.compile(r"s3://(?P<bucket>[^/?#]+)(?:/(?P<prefix>.*))?", re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Store:
    """Where objects lie and how to ask for them.

    Attributes:
        uri: `s3://bucket/prefix`; the prefix is a folder, with or without its last "/".
        endpoint_url: Of a store other than Amazon's; None for Amazon's.
        region: None leaves it to boto3's own chain.
        anonymous: Ask without credentials.
        timeout_seconds: For a connection, and for the next byte of an answer.
        connections: Kept open at a time.
        keys: boto3's names of explicit credentials or of a profile; empty for boto3's own chain alone.
        verify: Whether to verify TLS, or a file of certificates; None for boto3's own way.
    """

    uri: str
    endpoint_url: str | None = None
    region: str | None = None
    anonymous: bool = False
    timeout_seconds: float = 30.0
    connections: int = 16
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    verify: bool | str | None = None

    @property
    def bucket(self) -> str:
        return split_uri(self.uri)[0]

    @property
    def prefix(self) -> str:
        return split_uri(self.uri)[1]

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"{self.uri} at {self.endpoint_url}" if self.endpoint_url else self.uri

    def client(self, attempts: int = 1) -> Any:
        """A boto3 client that asks `attempts` times; `RetryBudget` asks again.

        Raises:
            CredentialsError: A profile that does not exist.
        """
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        config = Config(
            signature_version=UNSIGNED if self.anonymous else "s3v4",
            retries={"total_max_attempts": attempts, "mode": "standard"},
            connect_timeout=self.timeout_seconds,
            read_timeout=self.timeout_seconds,
            max_pool_connections=self.connections,
            response_checksum_validation="when_required",  # `checksums` verifies what lies on disk
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
        )
        try:
            session = boto3.session.Session(**self.keys)
            region = self.region or session.region_name or ("us-east-1" if self.endpoint_url else None)
            return session.client(
                "s3", endpoint_url=self.endpoint_url, region_name=region, config=config, verify=self.verify
            )
        except Exception as error:
            if store_failure(error) is StoreFailure.CREDENTIALS:
                raise refused(self.place, error) from error
            raise StoreError(f"{self.place}: {explain(error)}") from error


@dataclass(frozen=True)
class Listed:
    """One object.

    Attributes:
        key: Its name, relative to the prefix.
        bytes: Its length.
        etag: Without quotes; names this version of its content.
        last_modified: ISO 8601, UTC.
        sha256: As the manifest says; "" where nothing does.
    """

    key: str
    bytes: int
    etag: str
    last_modified: str
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """What a store holds: objects sorted by their keys' bytes, and keys that could not be looked up, with why."""

    objects: tuple[Listed, ...]
    failed: Mapping[str, str]


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`; the prefix is "" or ends in "/".

    Raises:
        ValueError: No such form.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise ValueError(f"{uri!r}: expected s3://bucket or s3://bucket/prefix")
    prefix = match["prefix"] or ""
    return match["bucket"], prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def list_objects(
    client: Any, store: Store, retry_budget: RetryBudget, *, manifest: str | None = None, also: Iterable[str] = ()
) -> Listing:
    """All objects below the store's prefix, or those that the manifest names.

    Keys that end in "/" and hold nothing mark folders, as some tools write them, and are left out; so are hidden names
    (a part with a leading dot), as in a folder.

    Args:
        client: Of `Store.client`.
        store: Where to look.
        retry_budget: With a busy store.
        manifest: Key, relative to the prefix, of a CSV or JSONL file with a column `key` (relative to the prefix) and,
            if wanted, `sha256`. Each key is then looked up on its own, so the right to list is not needed.
        also: Keys wanted beside those of the manifest.

    Raises:
        CredentialsError: We are refused.
        StoreError: The bucket, the manifest or the store is not there, or answers what cannot be used.
    """
    try:
        if manifest is None:
            found = Listing(tuple(_pages(client, store, retry_budget)), {})
        else:
            found = _look_up(client, store, retry_budget, _rows(client, store, retry_budget, manifest, also))
    except (StoreError, StoppedError):
        raise
    except Exception as error:
        raise _unreadable(store, error) from error
    objects = (
        item for item in found.objects if not _hidden(item.key) and not (item.key[-1:] == "/" and not item.bytes)
    )
    return Listing(tuple(sorted(objects, key=lambda item: item.key.encode("utf-8", "surrogatepass"))), found.failed)


def reach(store: Store, manifest: str | None) -> str:
    """Ask a store once; gives how we are known to it ("env", "shared-credentials-file", …), never who we are.

    Raises:
        CredentialsError: We are refused.
        StoreError: It does not answer, or has no such bucket or manifest.
    """
    import boto3

    client = store.client()
    try:
        if manifest is None:
            client.list_objects_v2(Bucket=store.bucket, Prefix=store.prefix, MaxKeys=1)
        else:
            client.head_object(Bucket=store.bucket, Key=store.prefix + manifest)
        credentials = None if store.anonymous else boto3.session.Session(**store.keys).get_credentials()
    except Exception as error:
        raise _unreadable(store, error) from error
    return str(credentials.method) if credentials else "anonymous"


def head(client: Any, store: Store, key: str, retry_budget: RetryBudget) -> Listed:
    """One object as it is now; raises what boto3 raises."""
    answer = retry_budget.ask(lambda: client.head_object(Bucket=store.bucket, Key=store.prefix + key))
    return _listed(key, answer["ContentLength"], answer.get("ETag", ""), answer.get("LastModified"))


def _pages(client: Any, store: Store, retry_budget: RetryBudget) -> Iterator[Listed]:
    token: dict[str, str] = {}
    while True:
        page = retry_budget.ask(lambda: client.list_objects_v2(Bucket=store.bucket, Prefix=store.prefix, **token))  # noqa: B023
        for item in page.get("Contents", []):
            key = item["Key"][len(store.prefix) :]
            if key:
                yield _listed(key, item["Size"], item.get("ETag", ""), item.get("LastModified"))
        if not page.get("IsTruncated"):
            return
        following = page.get("NextContinuationToken")
        if not following or following == token.get("ContinuationToken"):
            raise StoreError(f"{store.place}: a page of the listing says that more follow, but not where")
        token = {"ContinuationToken": following}


def _rows(
    client: Any, store: Store, retry_budget: RetryBudget, manifest: str, also: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Keys of a manifest with their sha256, and rows that cannot be used."""
    place = f"{store.place}: manifest {manifest}"

    def read() -> bytes:
        answer = client.get_object(Bucket=store.bucket, Key=store.prefix + manifest)
        if answer["ContentLength"] > LONGEST_MANIFEST_BYTES:
            raise StoreError(f"{place}: {answer['ContentLength']} bytes, expected at most {LONGEST_MANIFEST_BYTES}")
        content: bytes = answer["Body"].read()
        return content

    try:
        text = retry_budget.ask(read).decode("utf-8-sig")
        rows = list(_records(text, manifest))
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error, KeyError, TypeError) as error:
        raise StoreError(f"{place}: expected CSV or JSONL with a column `key`: {explain(error)}") from error
    except StoreError:
        raise
    except Exception as error:
        if store_failure(error) is StoreFailure.MISSING:
            raise StoreError(f"{place}: not there") from error
        raise
    wanted: dict[str, str] = dict.fromkeys(also, "")
    failed: dict[str, str] = {}
    for number, (key, sha256) in enumerate(rows, start=1):
        if sha256 and not _SHA256.fullmatch(sha256):
            failed[key] = f"manifest row {number}: sha256 {sha256!r}: expected 64 hexadecimal digits"
        elif wanted.get(key) and sha256 and wanted[key] != sha256:
            failed[key] = f"manifest row {number}: another sha256 than an earlier row's"
        else:
            wanted[key] = sha256 or wanted.get(key, "")
    return {key: sha256 for key, sha256 in wanted.items() if key not in failed}, failed


def _records(text: str, name: str) -> Iterator[tuple[str, str]]:
    records: Iterable[Mapping[str, Any]] = (
        (json.loads(line) for line in text.splitlines() if line.strip())
        if name.lower().endswith((".jsonl", ".ndjson"))
        else csv.DictReader(io.StringIO(text, newline=""))
    )
    for record in records:
        yield str(record["key"]), str(record.get("sha256") or "").strip().lower()


def _look_up(
    client: Any, store: Store, retry_budget: RetryBudget, rows: tuple[dict[str, str], dict[str, str]]
) -> Listing:
    """Each key of a manifest as it is now; in parallel."""
    wanted, failed = rows

    def one(key: str) -> Listed | str:
        if retry_budget.stop.is_set():
            return STOPPED
        try:
            return replace(head(client, store, key, retry_budget), sha256=wanted[key])
        except StoppedError:
            return STOPPED
        except Exception as error:
            match store_failure(error):
                case StoreFailure.CREDENTIALS:
                    retry_budget.stop.set()
                    raise refused(store.place, error) from error
                case StoreFailure.MISSING:
                    return "the manifest names an object that is not there"
                case _:
                    return explain(error)

    with ThreadPoolExecutor(store.connections) as pool:
        answers = list(zip(wanted, pool.map(one, wanted), strict=True))
    objects = tuple(answer for _, answer in answers if isinstance(answer, Listed))
    return Listing(objects, failed | {key: answer for key, answer in answers if isinstance(answer, str)})


def _listed(key: str, length: int, etag: str, modified: Any) -> Listed:
    return Listed(key, int(length), etag.strip('"'), modified.isoformat() if modified else "")


def _hidden(key: str) -> bool:
    parts = key.split("/")
    return any(part.startswith(".") and part not in (".", "..") for part in parts)


def _unreadable(store: Store, error: Exception) -> StoreError:
    match store_failure(error):
        case StoreFailure.CREDENTIALS | StoreFailure.DENIED:
            return refused(store.place, error)
        case StoreFailure.TRANSIENT:
            return StoreError(f"{store.place}: no usable answer: {explain(error)}; is the endpoint right, and up?")
        case _:
            return StoreError(f"{store.place}: {explain(error)}; expected a bucket that is there, in its region")
