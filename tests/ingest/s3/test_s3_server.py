"""The test server is as strict as S3 where tests lean on it: signatures, checksums, conditions, uploads in parts."""

import base64
import http.client
import zlib
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, FlexibleChecksumError
from tests.ingest.s3.s3_server import S3Server

MIB = 2**20


def _client(server: S3Server, **config):
    return boto3.session.Session().client(
        "s3", endpoint_url=server.url, config=Config(retries={"total_max_attempts": 1}, **config)
    )


def _send(server: S3Server, method: str, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    """A request as it is, signed; what boto3 would never send can be."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, server.url + path, headers=given, data=body)
    if "x-amz-trailer" in given:  # as boto3 does over TLS
        request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request(method, path, body, dict(request.headers))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"content_md5": base64.b64encode(bytes(16)).decode()},
        {"x_amz_checksum_crc32": _crc32(b"other")},
        {"x_amz_checksum_sha256": base64.b64encode(bytes(32)).decode()},
    ],
    ids=lambda header: next(iter(header)),
)
def test_a_wrong_checksum_is_refused_and_nothing_is_kept(server, header):
    status, text = _send(server, "PUT", "/music/x", b"content", **header)
    assert (status, server.bucket("music")) == (400, {})
    assert b"BadDigest" in text


def test_a_round_trip_keeps_bytes_headers_and_checksum(server):
    client = _client(server)
    put = {"ChecksumAlgorithm": "SHA256", "ContentType": "audio/wav", "Metadata": {"a": "b"}}
    client.put_object(Bucket="music", Key="d/é +.wav", Body=b"content", **put)
    answer = client.get_object(Bucket="music", Key="d/é +.wav", ChecksumMode="ENABLED")
    assert answer["Body"].read() == b"content"
    assert (answer["ContentType"], answer["Metadata"]) == ("audio/wav", {"a": "b"})
    assert answer["ChecksumSHA256"]
    assert client.get_object(Bucket="music", Key="d/é +.wav", Range="bytes=2-3")["Body"].read() == b"nt"
    assert client.get_object(Bucket="music", Key="d/é +.wav", Range="bytes=-2")["Body"].read() == b"nt"
    server.fault("flip", at_byte=1)
    spoilt = client.get_object(Bucket="music", Key="d/é +.wav", ChecksumMode="ENABLED")["Body"]
    with pytest.raises(FlexibleChecksumError):
        spoilt.read()
    client.copy_object(Bucket="music", Key="copy", CopySource={"Bucket": "music", "Key": "d/é +.wav"})
    listed = client.list_objects_v2(Bucket="music", Delimiter="/")
    assert [item["Key"] for item in listed["Contents"]] == ["copy"]
    assert [item["Prefix"] for item in listed["CommonPrefixes"]] == ["d/"]
    client.delete_objects(Bucket="music", Delete={"Objects": [{"Key": "copy"}, {"Key": "none"}]})
    client.delete_object(Bucket="music", Key="d/é +.wav")
    assert server.bucket("music") == {}


def test_a_request_that_is_not_signed_or_signed_for_another_is_refused(server):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    connection.request("GET", "/music?list-type=2")
    assert connection.getresponse().status == 403
    connection.close()
    server.put("music", "x", b"x")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        _client(server).get_object(Bucket="music", Key="x", IfMatch='"other"')
    with pytest.raises(ClientError, match="InvalidRange"):
        _client(server).get_object(Bucket="music", Key="x", Range="bytes=1-")
