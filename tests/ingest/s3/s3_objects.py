"""What the test server keeps: buckets of objects with ETags and checksums, and uploads in parts, all in memory."""

import base64
import hashlib
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4


class RefusedError(Exception):
    """An S3 error answer: code, HTTP status and message."""

    def __init__(self, code: str, status: int, message: str = ""):
        super().__init__(code)
        self.code, self.status, self.message = code, status, message or code


@dataclass(frozen=True)
class Object:
    """One version of one object.

    Attributes:
        content: Its bytes.
        etag: MD5, or MD5 of parts' MD5s and "-N".
        checksums: Base64 by algorithm, of the whole.
        parts: Lengths of the parts it was put in; empty for one put whole.
        headers: Content-Type, x-amz-meta-… and the like, as they were put.
        modified: When.
    """

    content: bytes
    etag: str
    checksums: Mapping[str, str]
    parts: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Version:
    """One version of a key in a bucket with versioning; a delete marker has no object."""

    key: str
    name: str
    held: Object | None


@dataclass
class Upload:
    """An upload in parts that is not complete."""

    bucket: str
    key: str
    headers: Mapping[str, str]
    algorithm: str
    parts: dict[int, bytes] = field(default_factory=dict)


class Objects:
    """All buckets; safe to use from several threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.buckets: dict[str, dict[str, Object]] = {}
        self.uploads: dict[str, Upload] = {}
        self.history: dict[str, list[Version]] = {}
        self.locked: set[str] = set()

    def keep_versions(self, bucket: str) -> None:
        """Give a bucket versioning; what is in it already has the version "null"."""
        with self.lock:
            self.history[bucket] = [Version(key, "null", held) for key, held in self.bucket(bucket).items()]

    def versions(self, bucket: str) -> list[Version]:
        """All versions and delete markers of a bucket, by key, the oldest first."""
        with self.lock:
            plain = [Version(key, "null", held) for key, held in self.bucket(bucket).items()]
            return sorted(self.history.get(bucket, plain), key=lambda version: version.key)

    def remove(self, bucket: str, key: str, version: str = "") -> None:
        """Remove a version for good; without one, the object, which leaves a delete marker where versions are kept.

        Raises:
            RefusedError: The key is in `locked`, as under a legal hold.
        """
        with self.lock:
            held = self.bucket(bucket)
            if version and key in self.locked:
                raise RefusedError("AccessDenied", 403, "the object is locked")
            if bucket not in self.history:
                held.pop(key, None)
                return
            kept = self.history[bucket]
            if version:
                kept[:] = [one for one in kept if (one.key, one.name) != (key, version)]
            else:
                kept.append(Version(key, uuid4().hex, None))
            last = next((one.held for one in reversed(kept) if one.key == key), None)
            if last is None:
                held.pop(key, None)
            else:
                held[key] = last

    def bucket(self, name: str) -> dict[str, Object]:
        with self.lock:
            if name not in self.buckets:
                raise RefusedError("NoSuchBucket", 404, "The specified bucket does not exist")
            return self.buckets[name]

    def get(self, bucket: str, key: str) -> Object:
        with self.lock:
            found = self.bucket(bucket).get(key)
        if found is None:
            raise RefusedError("NoSuchKey", 404, "The specified key does not exist.")
        return found

    def put(
        self,
        bucket: str,
        key: str,
        content: bytes,
        *,
        part_bytes: int | Sequence[int] | None = None,
        checksum: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        """Keep an object.

        Args:
            bucket, key: Its name.
            content: Its bytes.
            part_bytes: As if put in parts of this length, or of these lengths.
            checksum: One of S3's algorithms ("sha256", …) of the whole, kept beside it.
            headers: Sent back with it.
        """
        made = make(content, part_bytes=part_bytes, checksum=checksum, headers=headers)
        with self.lock:
            self.bucket(bucket)[key] = made
            if bucket in self.history:
                self.history[bucket].append(Version(key, uuid4().hex, made))
        return made

    def begin(self, bucket: str, key: str, headers: Mapping[str, str], algorithm: str) -> str:
        self.bucket(bucket)
        name = uuid4().hex
        with self.lock:
            self.uploads[name] = Upload(bucket, key, headers, algorithm)
        return name

    def upload(self, name: str) -> Upload:
        with self.lock:
            if name not in self.uploads:
                raise RefusedError("NoSuchUpload", 404)
            return self.uploads[name]

    def complete(self, name: str, parts: Sequence[tuple[int, str]]) -> Object:
        """Join the parts (number, ETag); the object appears with its whole content."""
        upload = self.upload(name)
        if not parts or [number for number, _ in parts] != sorted({number for number, _ in parts}):
            raise RefusedError("InvalidPartOrder", 400)
        for number, etag in parts:
            if number not in upload.parts or md5(upload.parts[number]) != etag.strip('"'):
                raise RefusedError("InvalidPart", 400)
        pieces = [upload.parts[number] for number, _ in parts]
        algorithm = upload.algorithm if upload.algorithm.startswith("crc") else None  # others are of parts alone
        made = self.put(
            upload.bucket,
            upload.key,
            b"".join(pieces),
            part_bytes=[len(piece) for piece in pieces],
            checksum=algorithm,
            headers=upload.headers,
        )
        with self.lock:
            del self.uploads[name]
        return made


def make(
    content: bytes,
    *,
    part_bytes: int | Sequence[int] | None = None,
    checksum: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Object:
    """An object as `Objects.put` keeps it."""
    checksums = {checksum: digest(checksum, content)} if checksum else {}
    if part_bytes is None:
        return Object(content, md5(content), checksums, (), headers or {})
    if isinstance(part_bytes, int):
        lengths = [len(content[at : at + part_bytes]) for at in range(0, len(content), part_bytes)]
    else:
        lengths = list(part_bytes)
    assert sum(lengths) == len(content), "parts must give the whole"
    whole, at = hashlib.md5(), 0
    for length in lengths:
        whole.update(hashlib.md5(content[at : at + length]).digest())
        at += length
    return Object(content, f"{whole.hexdigest()}-{len(lengths)}", checksums, tuple(lengths), headers or {})


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def digest(algorithm: str, content: bytes) -> str:
    """Base64 of a checksum, as S3's headers hold it."""
    if algorithm == "crc32":
        octets = zlib.crc32(content).to_bytes(4, "big")
    else:
        octets = hashlib.new(algorithm, content).digest()
    return base64.b64encode(octets).decode()
