"""A real S3 server on loopback for tests: signed requests, listings in pages, ranges, conditions, uploads in parts.

Checksums that a client sends are verified, and a wrong one is refused. Faults can be put in its way (`s3_faults`).

    with S3Server() as server:
        server.bucket("music")
        server.put("music", "a.wav", b"…")
        server.fault("cut", at_byte=100, times=2)
        subprocess.run(…, env={**os.environ, **server.environment})     # or boto3.client("s3", endpoint_url=server.url)
"""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.ingest.s3 import s3_signature
from tests.ingest.s3.s3_body import received
from tests.ingest.s3.s3_faults import Fault, Faults, Kind
from tests.ingest.s3.s3_objects import Object, Objects, RefusedError, digest, md5

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
KEPT_HEADERS = ("content-type", "content-encoding", "cache-control", "content-disposition")
CHECKSUM = "x-amz-checksum-"


@dataclass(frozen=True)
class Request:
    """One request that was answered, or meant to be.

    Attributes:
        operation: S3's name of it.
        key: Of the object; "" for a bucket's.
        range: Its Range header; "" for none.
        fault: Kind of the fault it met; "" for none.
        connection: The client's port.
    """

    operation: str
    key: str
    range: str
    fault: str
    connection: int


class S3Server:
    """The server; a context manager that starts and stops it.

    Args:
        access_key, secret_key, token: What requests must be signed with; `token` "" asks for none.
        page: Longest page of a listing.
        anonymous: Requests without a signature are taken too.

    Attributes:
        objects: What it keeps.
        faults: Rules that are left.
        requests: What was asked, in order.
    """

    def __init__(
        self,
        *,
        access_key: str = "AKIDTEST",
        secret_key: str = "a test's secret",
        token: str = "",
        page: int = 1000,
        anonymous: bool = False,
    ):
        self.access_key, self.secret_key, self.token = access_key, secret_key, token
        self.page, self.anonymous = page, anonymous
        self.objects, self.faults = Objects(), Faults()
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.s3 = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that give boto3 these credentials and keep it from this machine's own."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null/none",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null/none",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return {**variables, "AWS_SESSION_TOKEN": self.token} if self.token else variables

    def bucket(self, name: str) -> dict[str, Object]:
        """The bucket's objects by key; made if needed."""
        with self.objects.lock:
            return self.objects.buckets.setdefault(name, {})

    def put(self, bucket: str, key: str, content: bytes, **more: Any) -> Object:
        """Keep an object, as `Objects.put`; the bucket is made if needed."""
        self.bucket(bucket)
        return self.objects.put(bucket, key, content, **more)

    def fault(self, kind: Kind, **rule: Any) -> None:
        """Put a `Fault` in the way of requests to come."""
        self.faults.add(Fault(kind, **rule))

    def count(self, operation: str) -> int:
        """Requests of an operation so far."""
        return sum(request.operation == operation for request in self.requests)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    s3: S3Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read `S3Server.requests`."""

    def _serve(self) -> None:
        s3 = self.server.s3
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.bucket_name, _, self.key = unquote(parts.path).lstrip("/").partition("/")
        self.sent = {name.lower(): value for name, value in self.headers.items()}
        operation = _operation(self.command, self.bucket_name, self.key, self.query, self.sent)
        self.fault = s3.faults.take(operation, self.key)
        kind = self.fault.kind if self.fault else ""
        s3.requests.append(Request(operation, self.key, self.sent.get("range", ""), kind, self.client_address[1]))
        try:
            self.body, self.claims = received(self.rfile, self.sent)
            if not (s3.anonymous and "authorization" not in self.sent):
                s3_signature.check(
                    self.command,
                    parts.path,
                    parts.query,
                    self.sent,
                    access_key=s3.access_key,
                    secret_key=s3.secret_key,
                    token=s3.token,
                )
            _raise_if(kind)
            getattr(self, f"_{operation}")(s3.objects)
        except RefusedError as error:
            self._refuse(error)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    # objects

    def _HeadObject(self, objects: Objects) -> None:
        self._GetObject(objects)

    def _GetObject(self, objects: Objects) -> None:
        found = objects.get(self.bucket_name, self.key)
        _conditions(found, self.sent)
        headers = {
            "ETag": f'"{found.etag}"',
            "Last-Modified": found.modified.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "Accept-Ranges": "bytes",
            **found.headers,
        }
        start, stop, status = 0, len(found.content), 200
        if "range" in self.sent:
            start, stop = _range(self.sent["range"], len(found.content))
            status = 206
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(found.content)}"
        elif self.sent.get("x-amz-checksum-mode", "").upper() == "ENABLED" and found.checksums:
            headers["x-amz-checksum-type"] = "FULL_OBJECT"
            wrong = self._meets("wrong_checksum")
            for name, value in found.checksums.items():
                headers[CHECKSUM + name] = digest(name, b"other bytes") if wrong else value
        if self.fault and self.fault.kind in ("replace", "remove"):
            with objects.lock:
                if self.fault.kind == "remove":
                    objects.bucket(self.bucket_name).pop(self.key)
                else:
                    objects.put(self.bucket_name, self.key, self.fault.content)
        self._answer(status, headers, found.content[start:stop])

    def _PutObject(self, objects: Objects) -> None:
        checksum = next((name.removeprefix(CHECKSUM) for name in self.claims if name.startswith(CHECKSUM)), None)
        if "if-none-match" in self.sent and self.key in objects.bucket(self.bucket_name):
            raise RefusedError("PreconditionFailed", 412)
        made = objects.put(self.bucket_name, self.key, self.body, checksum=checksum, headers=_kept(self.sent))
        self._answer(200, {"ETag": f'"{made.etag}"'})

    def _CopyObject(self, objects: Objects) -> None:
        bucket, _, key = unquote(self.sent["x-amz-copy-source"]).lstrip("/").partition("/")
        made = objects.put(self.bucket_name, self.key, objects.get(bucket, key).content)
        self._xml(f'<CopyObjectResult {XMLNS}><ETag>"{made.etag}"</ETag></CopyObjectResult>')

    def _DeleteObject(self, objects: Objects) -> None:
        objects.remove(self.bucket_name, self.key, self.query.get("versionId", ""))
        self._answer(204)

    def _DeleteObjects(self, objects: Objects) -> None:
        answers = ""
        for node in ElementTree.fromstring(self.body):
            fields = {child.tag.rpartition("}")[2]: child.text or "" for child in node}
            if "Key" not in fields:
                continue
            key = escape(fields["Key"])
            try:
                objects.remove(self.bucket_name, fields["Key"], fields.get("VersionId", ""))
                answers += f"<Deleted><Key>{key}</Key></Deleted>"
            except RefusedError as error:
                answers += f"<Error><Key>{key}</Key><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
        self._xml(f"<DeleteResult {XMLNS}>{answers}</DeleteResult>")

    # uploads in parts

    def _CreateMultipartUpload(self, objects: Objects) -> None:
        algorithm = self.sent.get("x-amz-checksum-algorithm", "").lower()
        name = objects.begin(self.bucket_name, self.key, _kept(self.sent), algorithm)
        fields = f"<Bucket>{self.bucket_name}</Bucket><Key>{escape(self.key)}</Key><UploadId>{name}</UploadId>"
        self._xml(f"<InitiateMultipartUploadResult {XMLNS}>{fields}</InitiateMultipartUploadResult>")

    def _UploadPart(self, objects: Objects) -> None:
        objects.upload(self.query["uploadId"]).parts[int(self.query["partNumber"])] = self.body
        self._answer(200, {"ETag": f'"{md5(self.body)}"'})

    def _CompleteMultipartUpload(self, objects: Objects) -> None:
        parts = []
        for node in ElementTree.fromstring(self.body):
            fields = {child.tag.rpartition("}")[2]: child.text or "" for child in node}
            parts.append((int(fields["PartNumber"]), fields["ETag"]))
        made = objects.complete(self.query["uploadId"], parts)
        fields_ = f'<Bucket>{self.bucket_name}</Bucket><Key>{escape(self.key)}</Key><ETag>"{made.etag}"</ETag>'
        self._xml(f"<CompleteMultipartUploadResult {XMLNS}>{fields_}</CompleteMultipartUploadResult>")

    def _AbortMultipartUpload(self, objects: Objects) -> None:
        objects.upload(self.query["uploadId"])
        with objects.lock:
            del objects.uploads[self.query["uploadId"]]
        self._answer(204)

    # buckets

    def _ListBuckets(self, objects: Objects) -> None:
        names = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in sorted(objects.buckets))
        self._xml(f"<ListAllMyBucketsResult {XMLNS}><Buckets>{names}</Buckets></ListAllMyBucketsResult>")

    def _HeadBucket(self, objects: Objects) -> None:
        objects.bucket(self.bucket_name)
        self._answer(200)

    def _CreateBucket(self, objects: Objects) -> None:
        self.server.s3.bucket(self.bucket_name)
        self._answer(200)

    def _GetBucketLocation(self, objects: Objects) -> None:
        objects.bucket(self.bucket_name)
        self._xml(f"<LocationConstraint {XMLNS}/>")

    def _ListObjectsV2(self, objects: Objects) -> None:
        with objects.lock:
            held = dict(objects.bucket(self.bucket_name))
        longest = min(self.server.s3.page, int(self.query.get("max-keys", 1000)))
        token = bytes.fromhex(self.query.get("continuation-token", "")).decode()
        after = token or self.query.get("start-after", "")
        text, last, more = _page(held, self.query.get("prefix", ""), self.query.get("delimiter", ""), after, longest)
        following = f"<NextContinuationToken>{last.encode().hex()}</NextContinuationToken>" if more else ""
        self._xml(
            f"<ListBucketResult {XMLNS}><Name>{self.bucket_name}</Name><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{text}</ListBucketResult>"
        )

    def _ListObjectVersions(self, objects: Objects) -> None:
        """Pages of versions; a page never ends within a key, which S3's may."""
        prefix, after = self.query.get("prefix", ""), self.query.get("key-marker", "")
        longest = min(self.server.s3.page, int(self.query.get("max-keys", 1000)))
        found = [one for one in objects.versions(self.bucket_name) if one.key.startswith(prefix) and one.key > after]
        shown = [one for one in found if one.key <= found[min(longest, len(found)) - 1].key]
        text = ""
        for one in shown:
            name = "DeleteMarker" if one.held is None else "Version"
            text += f"<{name}><Key>{quote(one.key)}</Key><VersionId>{one.name}</VersionId></{name}>"
        more = len(shown) < len(found)
        following = f"<NextKeyMarker>{quote(shown[-1].key)}</NextKeyMarker>" if more else ""
        self._xml(
            f"<ListVersionsResult {XMLNS}><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{text}</ListVersionsResult>"
        )

    def _ListMultipartUploads(self, objects: Objects) -> None:
        prefix = self.query.get("prefix", "")
        found = [(name, one) for name, one in objects.uploads.items() if one.bucket == self.bucket_name]
        text = "".join(
            f"<Upload><Key>{quote(one.key)}</Key><UploadId>{name}</UploadId></Upload>"
            for name, one in found
            if one.key.startswith(prefix)
        )
        self._xml(
            f"<ListMultipartUploadsResult {XMLNS}><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
            f"{text}</ListMultipartUploadsResult>"
        )

    # answers

    def _meets(self, kind: Kind) -> bool:
        return self.fault is not None and self.fault.kind == kind

    def _xml(self, text: str) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        if self._meets("half_page"):
            body = body[: len(body) // 2]
        self._answer(200, {"Content-Type": "application/xml"}, body)

    def _refuse(self, error: RefusedError) -> None:
        fields = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        headers = {"Content-Type": "application/xml"}
        self._answer(error.status, headers, f"<Error>{fields}<RequestId>1</RequestId></Error>".encode())

    def _answer(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("x-amz-request-id", "1")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            for piece in self._spoilt(body):
                self.wfile.write(piece)

    def _spoilt(self, body: bytes) -> Iterator[bytes]:
        """The body as the fault has it."""
        fault = self.fault
        if fault is None or fault.at_byte >= len(body):
            yield body
            return
        at = fault.at_byte
        if fault.kind == "flip":
            yield body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        elif fault.kind in ("cut", "reset", "stall", "replace", "remove"):
            yield body[:at]
            if fault.kind == "stall":
                self.server.s3.ended.wait(fault.seconds)
            if fault.kind == "reset":
                time.sleep(0.02)  # what was sent arrives first
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            else:
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            yield body


def _operation(method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """S3's name of a request."""
    of_bucket = {
        "location": "GetBucketLocation",
        "versions": "ListObjectVersions",
        "uploads": "ListMultipartUploads",
    }
    names = {
        ("GET", True): "GetObject",
        ("HEAD", True): "HeadObject",
        ("PUT", True): "UploadPart"
        if "uploadId" in query
        else "CopyObject"
        if "x-amz-copy-source" in headers
        else "PutObject",
        ("POST", True): "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload",
        ("DELETE", True): "AbortMultipartUpload" if "uploadId" in query else "DeleteObject",
        ("GET", False): next((of_bucket[name] for name in of_bucket if name in query), "ListObjectsV2")
        if bucket
        else "ListBuckets",
        ("HEAD", False): "HeadBucket",
        ("PUT", False): "CreateBucket",
        ("POST", False): "DeleteObjects",
    }
    return names.get((method, bool(key)), "HeadBucket")


def _raise_if(kind: str) -> None:
    match kind:
        case "slow_down":
            raise RefusedError("SlowDown", 503, "Please reduce your request rate.")
        case "internal":
            raise RefusedError("InternalError", 500, "We encountered an internal error. Please try again.")
        case "expired":
            raise RefusedError("ExpiredToken", 400, "The provided token has expired.")
        case "denied":
            raise RefusedError("AccessDenied", 403, "Access Denied")


def _conditions(found: Object, headers: Mapping[str, str]) -> None:
    if "if-match" in headers and headers["if-match"].strip('"') != found.etag:
        raise RefusedError("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")


def _range(text: str, length: int) -> tuple[int, int]:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not match or match[1] == match[2] == "":
        return 0, length
    start = int(match[1]) if match[1] else max(0, length - int(match[2]))
    stop = min(length, int(match[2]) + 1) if match[1] and match[2] else length
    if start >= length:
        raise RefusedError("InvalidRange", 416, "The requested range is not satisfiable")
    return start, stop


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS or name.startswith("x-amz-meta-")}


def _page(held: Mapping[str, Object], prefix: str, delimiter: str, after: str, longest: int) -> tuple[str, str, bool]:
    """XML of a page of a listing, the last name on it, and whether more follow."""
    lines: list[str] = []
    last = ""
    for key in sorted(held, key=lambda name: name.encode("utf-8", "surrogatepass")):
        if not key.startswith(prefix):
            continue
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        name = prefix + head + delimiter if found else key
        if name == last or name.encode() <= after.encode():
            continue
        if len(lines) == longest:
            return "".join(lines), last, True
        last = name
        if found:
            lines.append(f"<CommonPrefixes><Prefix>{quote(name)}</Prefix></CommonPrefixes>")
            continue
        item = held[key]
        modified = item.modified.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(
            f"<Contents><Key>{quote(key)}</Key><LastModified>{modified}</LastModified><ETag>&quot;{item.etag}&quot;"
            f"</ETag><Size>{len(item.content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    return "".join(lines), last, False
