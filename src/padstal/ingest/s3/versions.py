"""Removal of S3 objects with every version, delete marker and unfinished upload, checked by asking again.

In a bucket with versioning an ordinary delete only adds a marker, and the bytes stay. What is under a legal hold or a
retention lock cannot be removed by anyone; it is named.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from padstal.ingest.s3.errors import StoreError, explain

BATCH = 1000
"""Objects that one request can delete."""


@dataclass(frozen=True)
class Erased:
    """What `erase` did.

    Attributes:
        versions: Versions and delete markers that went.
        uploads: Unfinished uploads that were ended.
        unversioned: Whether the store cannot list versions, so that only what it shows was removed.
    """

    versions: int
    uploads: int
    unversioned: bool


def erase(client: Any, bucket: str, keys: Collection[str], *, below: Iterable[str] = ()) -> Erased:
    """Remove `keys` for good.

    Args:
        client: Of boto3.
        bucket: Its name.
        keys: Whole keys.
        below: Prefixes to list instead of asking for each key alone, where many keys share a few.

    Raises:
        StoreError: The store fails, refuses, or still has one of them afterwards.
    """
    wanted = set(keys)
    if not wanted:
        return Erased(0, 0, False)
    prefixes = sorted(below) or sorted(wanted)
    place = f"s3://{bucket}"
    try:
        listed = _versions(client, bucket, prefixes, wanted)
        found = [{"Key": key} for key in sorted(wanted)] if listed is None else list(listed)
        for at in range(0, len(found), BATCH):
            _delete(client, bucket, found[at : at + BATCH])
        uploads = _end_uploads(client, bucket, prefixes, wanted)
        left = _versions(client, bucket, prefixes, wanted)
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"{place}: {explain(error)}") from error
    remaining = [item["Key"] for item in left or ()]
    if remaining:
        raise StoreError(f"{place}: {len(remaining)} versions are still there after they were removed: {remaining[:3]}")
    return Erased(len(found), uploads, listed is None)


def _versions(client: Any, bucket: str, prefixes: list[str], wanted: set[str]) -> list[dict[str, str]] | None:
    """Versions and delete markers of the keys `wanted`; None where the store does not know versions."""
    from botocore.exceptions import ClientError

    found = []
    try:
        for page in _pages(client, "list_object_versions", bucket, prefixes):
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if item["Key"] in wanted:
                    found.append({"Key": item["Key"], "VersionId": item["VersionId"]})
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NotImplemented", "MethodNotAllowed"):
            return None
        raise
    return found


def _end_uploads(client: Any, bucket: str, prefixes: list[str], wanted: set[str]) -> int:
    """End unfinished uploads of the keys: their parts hold bytes that no listing of objects shows."""
    from botocore.exceptions import ClientError

    ended = 0
    try:
        for page in _pages(client, "list_multipart_uploads", bucket, prefixes):
            for item in page.get("Uploads", ()):
                if item["Key"] in wanted:
                    client.abort_multipart_upload(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
                    ended += 1
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("NotImplemented", "MethodNotAllowed", "NoSuchUpload"):
            raise
    return ended


def _pages(client: Any, operation: str, bucket: str, prefixes: list[str]) -> Iterator[Mapping[str, Any]]:
    for prefix in prefixes:
        yield from client.get_paginator(operation).paginate(Bucket=bucket, Prefix=prefix)


def _delete(client: Any, bucket: str, items: list[dict[str, str]]) -> None:
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": items, "Quiet": True})
    errors = answer.get("Errors", ())
    if errors:
        first = errors[0]
        raise StoreError(
            f"s3://{bucket}: {len(errors)} of {len(items)} versions were not removed; the first: {first.get('Key')!r}: "
            f"{first.get('Code')}: {first.get('Message')} (a right s3:DeleteObjectVersion, or a lock that holds it?)"
        )
