"""Bodies that the test server takes in: plain or aws-chunked, with every checksum that comes with them verified."""

import hashlib
from collections.abc import Mapping
from typing import BinaryIO

from tests.ingest.s3.s3_objects import RefusedError, digest

CHECKSUM = "x-amz-checksum-"
_NOT_DIGESTS = {f"{CHECKSUM}mode", f"{CHECKSUM}type", f"{CHECKSUM}algorithm"}


def received(stream: BinaryIO, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """A request's body without its framing, and the checksums that came with it, by header.

    Raises:
        RefusedError: `BadDigest` for a wrong checksum, `IncompleteBody` for a body that is cut.
    """
    trailers: dict[str, str] = {}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        raw = _chunked(stream)
    else:
        raw = _exactly(stream, int(headers.get("content-length", 0)))
    if "aws-chunked" in headers.get("content-encoding", "") or headers.get("x-amz-content-sha256", "").startswith(
        "STREAMING-"
    ):
        body, trailers = _aws_chunked(raw)
        expected = headers.get("x-amz-decoded-content-length")
        if expected is not None and int(expected) != len(body):
            raise RefusedError("IncompleteBody", 400)
        promised = headers.get("x-amz-trailer", "").lower()
        if promised and promised not in trailers:
            raise RefusedError("MalformedTrailerError", 400)
    else:
        body = raw
    claims = {
        name: value
        for name, value in {**headers, **trailers}.items()
        if (name.startswith(CHECKSUM) and name not in _NOT_DIGESTS)
    }
    for name, value in claims.items():
        if digest(name.removeprefix(CHECKSUM), body) != value:
            raise RefusedError("BadDigest", 400, f"The {name} you specified did not match what we received")
    if "content-md5" in headers and headers["content-md5"] != digest("md5", body):
        raise RefusedError("BadDigest", 400, "The Content-MD5 you specified did not match what we received")
    sha256 = headers.get("x-amz-content-sha256", "")
    if len(sha256) == 64 and hashlib.sha256(body).hexdigest() != sha256:
        raise RefusedError("XAmzContentSHA256Mismatch", 400)
    return body, claims


def _aws_chunked(raw: bytes) -> tuple[bytes, dict[str, str]]:
    """Content and trailing headers of chunks "length[;chunk-signature=…]"."""
    body, at = bytearray(), 0
    while True:
        line, _, _ = raw[at:].partition(b"\r\n") if len(raw) - at < 1024 else raw[at : at + 1024].partition(b"\r\n")
        if not line:
            raise RefusedError("IncompleteBody", 400)
        length = int(line.partition(b";")[0], 16)
        at += len(line) + 2
        if length == 0:
            break
        body += raw[at : at + length]
        at += length + 2
    lines = [line.decode().partition(":") for line in raw[at:].split(b"\r\n") if line]
    return bytes(body), {name.strip().lower(): value.strip() for name, _, value in lines}


def _chunked(stream: BinaryIO) -> bytes:
    """A body in HTTP's own chunks."""
    body = bytearray()
    while length := int(stream.readline().partition(b";")[0], 16):
        body += _exactly(stream, length)
        stream.readline()
    while stream.readline().strip():
        pass
    return bytes(body)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) != length:
        raise RefusedError("IncompleteBody", 400)
    return body
