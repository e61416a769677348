"""Removal of S3 objects with every version, delete marker and unfinished upload, checked by asking again.

In a bucket with versioning an ordinary delete only adds a marker, and the bytes stay. What is under a legal hold or a
retention lock cannot be removed by anyone; it is named.
"""

from collections.abc import Collection, Iterable
from typing import Any

from padstal.ingest.s3.errors import StoreError, boto_errors, code_of, explain

BATCH = 1000
"""Objects that one request can delete."""
_VERSIONS = ("list_object_versions", "Versions", "DeleteMarkers")
_UPLOADS = ("list_multipart_uploads", "Uploads")
"""Parts of uploads that were never finished hold bytes that no listing of objects shows."""


def erase(client: Any, bucket: str, keys: Collection[str], *, below: Iterable[str] = ()) -> bool:
    """Remove `keys` for good; gives whether the store lists versions: else only what it shows was removed.

    Args:
        client: Of boto3.
        bucket: Its name.
        keys: Whole keys.
        below: Prefixes to list instead of asking for each key alone, where many keys share a few.

    Raises:
        StoreError: The store fails, refuses, or still has one of them afterwards.
    """
    wanted = set(keys)
    prefixes = sorted(below) or sorted(wanted)
    place = f"s3://{bucket}"
    try:
        listed = _found(client, bucket, prefixes, wanted, *_VERSIONS)
        items = [{"Key": key} for key in sorted(wanted)] if listed is None else listed
        for at in range(0, len(items), BATCH):
            _delete(client, bucket, [_named(item, "Key", "VersionId") for item in items[at : at + BATCH]])
        for upload in _found(client, bucket, prefixes, wanted, *_UPLOADS) or ():
            client.abort_multipart_upload(Bucket=bucket, **_named(upload, "Key", "UploadId"))
        left = [item["Key"] for item in _found(client, bucket, prefixes, wanted, *_VERSIONS) or ()]
    except boto_errors() as error:
        raise StoreError(f"{place}: {explain(error)}") from error
    if left:
        raise StoreError(f"{place}: {len(left)} versions are still there after they were removed: {left[:3]}")
    return listed is not None


def _found(
    client: Any, bucket: str, prefixes: list[str], wanted: set[str], operation: str, *kinds: str
) -> list[dict[str, Any]] | None:
    """What a listing has of the keys `wanted`; None where the store has no such listing."""
    pages = (
        page for prefix in prefixes for page in client.get_paginator(operation).paginate(Bucket=bucket, Prefix=prefix)
    )
    try:
        return [item for page in pages for kind in kinds for item in page.get(kind, ()) if item["Key"] in wanted]
    except boto_errors() as error:
        if code_of(error)[0] in ("NotImplemented", "MethodNotAllowed"):
            return None
        raise


def _named(item: dict[str, Any], *names: str) -> dict[str, str]:
    return {name: item[name] for name in names if name in item}


def _delete(client: Any, bucket: str, items: list[dict[str, str]]) -> None:
    errors = client.delete_objects(Bucket=bucket, Delete={"Objects": items, "Quiet": True}).get("Errors", ())
    if errors:
        first = errors[0]
        raise StoreError(
            f"s3://{bucket}: {len(errors)} of {len(items)} versions were not removed; the first: {first.get('Key')!r}: "
            f"{first.get('Code')}: {first.get('Message')} (a right s3:DeleteObjectVersion, or a lock that holds it?)"
        )
