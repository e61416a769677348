"""Removal from a bucket takes every version, delete marker and unfinished upload, and says what it could not take."""

import boto3
import pytest
from tests.ingest.s3.s3_server import S3Server

from padstal.ingest.config import S3Source
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.objects import client_of
from padstal.ingest.s3.versions import erase


@pytest.fixture
def client(server: S3Server):
    return client_of(S3Source(kind="s3", uri="s3://music", endpoint_url=server.url))


def _put(server: S3Server) -> None:
    server.objects.keep_versions("music")
    for number in range(20):
        for content in (b"first", b"second"):
            server.put("music", f"files/ab/{number:02d}", content)
    for number in range(0, 20, 3):
        server.objects.remove("music", f"files/ab/{number:02d}")


def test_every_version_and_marker_of_the_keys_goes_and_nothing_else(server, client):
    _put(server)
    wanted = [f"files/ab/{number:02d}" for number in range(10)]
    assert erase(client, "music", wanted, below=["files/ab/"])
    assert {version.key for version in server.objects.versions("music")} == {f"files/ab/{n:02d}" for n in range(10, 20)}
    assert len(server.objects.versions("music")) == 23


def test_a_key_that_begins_like_another_does_not_take_it_along(server, client):
    server.put("music", "a", b"1")
    server.put("music", "ab", b"2")
    erase(client, "music", ["a"])
    assert sorted(server.bucket("music")) == ["ab"]


def test_a_bucket_without_versioning_is_emptied_of_them_too(server, client):
    server.put("music", "a/b", b"1")
    erase(client, "music", ["a/b", "a/none"])
    assert server.bucket("music") == {}


def test_unfinished_uploads_end(server, client):
    name = server.objects.begin("music", "long", {}, "")
    server.objects.upload(name).parts[1] = b"bytes of it"
    other = server.objects.begin("music", "longer", {}, "")
    erase(client, "music", ["long"])
    assert list(server.objects.uploads) == [other]


def test_what_is_locked_is_named(server, client):
    _put(server)
    server.objects.locked.add("files/ab/04")
    with pytest.raises(StoreError, match="files/ab/04"):
        erase(client, "music", ["files/ab/04", "files/ab/05"])


def test_a_delete_without_versions_would_have_left_the_bytes(server):
    server.objects.keep_versions("music")
    server.put("music", "a", b"1")
    boto3.client("s3", endpoint_url=server.url).delete_object(Bucket="music", Key="a")
    assert server.bucket("music") == {}
    assert [version.held and version.held.content for version in server.objects.versions("music")] == [b"1", None]
