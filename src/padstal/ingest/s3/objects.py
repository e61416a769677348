"""What a bucket holds: the objects below a prefix, or those that a manifest names, from any S3-compatible store."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from padstal.ingest.cells import bare_digest
from padstal.ingest.config import S3Source
from padstal.ingest.s3.errors import StoreError, boto_errors, code_of, explain, failure, refuses_us
from padstal.ingest.table_records import blank, column_name, delimiter_of

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Listed:
    """One object.

    Attributes:
        key: Its name, relative to the prefix.
        bytes: Its length.
        etag: Without quotes; names this version of its content.
        sha256: As the manifest says; "" where nothing does.
    """

    key: str
    bytes: int
    etag: str
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """What a store holds: objects sorted by their keys' bytes, and keys that could not be looked up, with why."""

    objects: tuple[Listed, ...]
    failed: Mapping[str, str]


def client_of(source: S3Source) -> Any:
    """A boto3 client, which asks again by itself where a store is busy, and checks the checksums that it keeps.

    Raises:
        StoreError: There can be none, such as of a profile that does not exist.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED if source.anonymous else "s3v4",
        retries={"total_max_attempts": source.fetch.attempts, "mode": "standard"},
        connect_timeout=source.fetch.timeout_seconds,
        read_timeout=source.fetch.timeout_seconds,
        max_pool_connections=source.fetch.connections,
        response_checksum_validation="when_supported",
        s3={"addressing_style": "path" if source.endpoint_url else "auto"},
    )
    try:
        session = boto3.session.Session()
        region = source.region or session.region_name or ("us-east-1" if source.endpoint_url else None)
        return session.client("s3", endpoint_url=source.endpoint_url, region_name=region, config=config)
    except boto_errors() as error:
        raise failure(source.place, error) from error


def list_objects(source: S3Source, client: Any) -> Listing:
    """All objects below the source's prefix, or those that its manifest names, and its captions table.

    A manifest is CSV or JSONL with a column `key` (relative to the prefix) and, if wanted, `sha256`. Each key is looked
    up on its own, so the right to list is not needed. Keys that end in "/" and hold nothing mark folders, as some tools
    write them, and are left out; so are hidden names (a part with a leading dot), as in a folder.

    Raises:
        StoreError: We are refused; the bucket, the manifest or the store is not there, or answers what cannot be used.
    """
    try:
        if source.manifest is None:
            found = Listing(tuple(_pages(client, source)), {})
        else:
            found = _look_up(client, source, *_rows(client, source))
    except boto_errors() as error:
        raise failure(source.place, error) from error
    objects = [item for item in found.objects if not _hidden(item.key) and (item.bytes or item.key[-1:] != "/")]
    return Listing(tuple(sorted(objects, key=lambda item: item.key.encode())), found.failed)


def reach(source: S3Source) -> str:
    """Ask a store once; gives how we are known to it ("env", "shared-credentials-file", …), never who we are.

    Raises:
        StoreError: It refuses us, does not answer, or has no such bucket or manifest.
    """
    import boto3

    client = client_of(source)
    try:
        if source.manifest is None:
            client.list_objects_v2(Bucket=source.bucket, Prefix=source.prefix, MaxKeys=1)
        else:
            client.head_object(Bucket=source.bucket, Key=source.prefix + source.manifest)
        credentials = None if source.anonymous else boto3.session.Session().get_credentials()
    except boto_errors() as error:
        raise failure(source.place, error) from error
    return str(credentials.method) if credentials else "anonymous"


def etag_of(answer: Mapping[str, Any]) -> str:
    """The ETag of an answer, without quotes."""
    return str(answer.get("ETag", "")).strip('"')


def _pages(client: Any, source: S3Source) -> Iterator[Listed]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.prefix):
        for item in page.get("Contents", []):
            key = item["Key"][len(source.prefix) :]
            if key:
                yield Listed(key, item["Size"], etag_of(item))


def _rows(client: Any, source: S3Source) -> tuple[dict[str, str], dict[str, str]]:
    """Keys wanted with their sha256, and rows of the manifest that cannot be used."""
    place, manifest = f"{source.place}: manifest {source.manifest}", str(source.manifest)
    try:
        text = client.get_object(Bucket=source.bucket, Key=source.prefix + manifest)["Body"].read().decode("utf-8-sig")
        rows = list(_records(text, manifest))
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise StoreError(f"{place}: expected CSV or JSONL with a column `key`: {explain(error)}") from error
    except boto_errors() as error:
        if code_of(error)[0] == "NoSuchKey":
            raise StoreError(f"{place}: not there") from error
        raise
    wanted = {source.captions: ""} if source.captions else {}
    failed = {}
    for number, (key, sha256) in enumerate(rows, start=1):
        if sha256 and not _SHA256.fullmatch(sha256):
            failed[key] = f"manifest row {number}: sha256 {sha256!r}: expected 64 hexadecimal digits"
        elif wanted.get(key) and sha256 and wanted[key] != sha256:
            failed[key] = f"manifest row {number}: another sha256 than an earlier row's"
        else:
            wanted[key] = sha256 or wanted.get(key, "")
    return {key: sha256 for key, sha256 in wanted.items() if key not in failed}, failed


def _records(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Key and sha256 of each row; columns and cells as in captions tables."""
    records: Iterable[Mapping[str, Any]] = (
        (json.loads(line) for line in text.splitlines() if line.strip())
        if name.lower().endswith((".jsonl", ".ndjson"))
        else csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text.partition("\n")[0]))
    )
    for record in records:
        cells = {column_name(column): cell for column, cell in record.items()}
        if not blank(cells.values()):
            yield str(cells["key"]), bare_digest(str(cells.get("sha256") or ""))


def _look_up(client: Any, source: S3Source, wanted: dict[str, str], failed: dict[str, str]) -> Listing:
    """Each key of a manifest as it is now; in parallel."""

    def one(key: str) -> Listed | str:
        try:
            answer = client.head_object(Bucket=source.bucket, Key=source.prefix + key)
        except boto_errors() as error:
            if refuses_us(error):
                raise
            missing = code_of(error)[1] == 404
            return "the manifest names an object that is not there" if missing else explain(error)
        return Listed(key, answer["ContentLength"], etag_of(answer), wanted[key])

    with ThreadPoolExecutor(source.fetch.connections) as pool:
        answers = dict(zip(wanted, pool.map(one, wanted), strict=True))
    objects = tuple(answer for answer in answers.values() if isinstance(answer, Listed))
    return Listing(objects, failed | {key: why for key, why in answers.items() if isinstance(why, str)})


def _hidden(key: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in key.split("/"))
