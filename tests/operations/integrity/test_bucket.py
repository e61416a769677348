"""An S3 remote's objects are checked by what proves them: an ETag, a checksum and a good copy, or their bytes."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
from tests.ingest.s3.s3_server import S3Server

from padstal.core.dvc_objects import OBJECTS, key_of
from padstal.ingest.s3.errors import CredentialsError, RetryBudget, StoppedError, StoreError
from padstal.ingest.s3.objects import Store
from padstal.operations.integrity.bucket import Bucket
from padstal.operations.integrity.locations import BY_COPY, BY_ETAG, READ, Entry, Verdict

CONTENT = os.urandom(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
KEY = key_of(MD5)


@pytest.fixture
def bucket(server: S3Server) -> Bucket:
    return Bucket(Store("s3://music/kept", server.url), "remote store", RetryBudget(3, 0.1, threading.Event()))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    file = tmp_path / "copy"
    file.write_bytes(CONTENT)
    return file


def _check(bucket: Bucket, copy: Path | None = None) -> Verdict:
    [entry] = [entry for entry in bucket.entries(OBJECTS) if entry.key == KEY]
    return bucket.check(entry, MD5, copy, lambda count: None)


def test_an_etag_that_is_the_md5_is_proof(bucket: Bucket, server: S3Server) -> None:
    server.put("music", f"kept/{KEY}", CONTENT)
    server.requests.clear()
    assert _check(bucket) == Verdict(MD5, BY_ETAG)
    assert server.count("GetObject") == 0


def test_an_object_in_parts_is_compared_with_a_good_copy(bucket: Bucket, server: S3Server, copy: Path) -> None:
    server.put("music", f"kept/{KEY}", CONTENT, part_bytes=70_000)
    assert _check(bucket, copy) == Verdict(MD5, BY_COPY)
    assert _check(bucket) == Verdict(MD5, READ)
    other = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    server.put("music", f"kept/{KEY}", other, part_bytes=70_000)
    assert _check(bucket, copy) == Verdict("", BY_COPY)
    assert _check(bucket) == Verdict(hashlib.md5(other).hexdigest(), READ)
    assert server.count("GetObject") == 2


@pytest.mark.parametrize("algorithm", ["crc32", "sha256"])
def test_a_checksum_that_the_store_keeps_is_compared_with_a_good_copy(
    bucket: Bucket, server: S3Server, copy: Path, algorithm: str
) -> None:
    server.put("music", f"kept/{KEY}", CONTENT, part_bytes=[300_000], checksum=algorithm)
    assert _check(bucket, copy) == Verdict(MD5, BY_COPY)


def test_what_is_put_aside_is_gone_from_its_place_and_kept(bucket: Bucket, server: S3Server, copy: Path) -> None:
    bucket.put(KEY, copy)
    new = bucket.set_aside(KEY, "mark")
    assert {key: item.content for key, item in server.bucket("music").items()} == {f"kept/{new}": CONTENT}
    with pytest.raises(FileNotFoundError):
        bucket.read(KEY)


def test_a_cut_line_is_tried_again_and_progress_counts_once(bucket: Bucket, server: S3Server) -> None:
    server.put("music", f"kept/{KEY}", CONTENT, part_bytes=70_000)
    server.fault("cut", at_byte=100_000, times=2)
    server.fault("slow_down", operation="ListObjectsV2", times=2)
    counted: list[int] = []
    [entry] = list(bucket.entries(OBJECTS))
    assert bucket.check(entry, MD5, None, counted.append) == Verdict(MD5, READ)
    assert sum(counted) == len(CONTENT)


def test_a_store_that_stays_busy_or_refuses_us_is_said(bucket: Bucket, server: S3Server) -> None:
    server.fault("slow_down", operation="", times=100)
    with pytest.raises(StoreError, match="remote store: no usable answer: SlowDown"):
        list(bucket.entries(OBJECTS))
    server.faults.clear()
    server.fault("denied", operation="", times=100)
    with pytest.raises(
        CredentialsError, match=r"remote store: refused: AccessDenied .*dvc remote modify --local store"
    ):
        list(bucket.entries(OBJECTS))
    server.faults.clear()
    bucket.retry_budget.stop.set()
    with pytest.raises(StoppedError):
        list(bucket.entries(OBJECTS))


def test_a_bucket_that_is_not_there_is_said(server: S3Server) -> None:
    with pytest.raises(StoreError, match="NoSuchBucket"):
        list(Bucket(Store("s3://none/kept", server.url), "remote store").entries(OBJECTS))


def test_a_mark_of_a_folder_is_no_object(bucket: Bucket, server: S3Server) -> None:
    server.put("music", f"kept/{OBJECTS}", b"")
    server.put("music", f"kept/{KEY}", CONTENT)
    assert [entry.key for entry in bucket.entries(OBJECTS)] == [KEY]
    assert Entry(KEY, len(CONTENT), MD5) in list(bucket.entries(OBJECTS))
