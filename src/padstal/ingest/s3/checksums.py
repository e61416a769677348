"""Whether the bytes on disk are the object: the strongest check that the store's answers allow, and its name.

In this order: the manifest's sha256; a checksum of the whole object that the store keeps (SHA-256, CRC-64/NVME,
CRC-32C, CRC-32, SHA-1); the MD5 that is the ETag of an object put in one part; the ETag of one put in N parts, which is
MD5(MD5(part 1) … MD5(part N))-N; else length and ETag alone, which is said.
"""

import base64
import hashlib
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.ingest.s3.errors import CorruptError

BY_MANIFEST, BY_ETAG, BY_PARTS, BY_LENGTH = "manifest_sha256", "etag_md5", "etag_parts", "length"
ALGORITHMS = ("sha256", "crc64nvme", "crc32c", "crc32", "sha1")
"""Those that S3 keeps for whole objects, by preference; a check is named as one of them."""
USUAL_PART_MEBIBYTES = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)
"""Part lengths of common tools, tried where the store does not tell."""
_BLOCK_BYTES = 2**20
_ONE_PART, _PARTS = re.compile(r"[0-9a-f]{32}"), re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class ExpectedChecksums:
    """What a store says about an object's bytes.

    Attributes:
        checksums: Base64 of the whole object, by algorithm.
        etag_is_md5: False where the store encrypts with a key of its own, which changes the ETag.
    """

    checksums: Mapping[str, str]
    etag_is_md5: bool


def expected_checksums(answer: Mapping[str, Any]) -> ExpectedChecksums:
    """The promise in boto3's answer to HeadObject or GetObject of the whole object."""
    whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
    found = {name: answer.get(f"Checksum{name.upper()}") for name in ALGORITHMS} if whole else {}
    encrypted = "kms" in str(answer.get("ServerSideEncryption", "")) or answer.get("SSECustomerAlgorithm")
    return ExpectedChecksums({name: text for name, text in found.items() if text and "-" not in text}, not encrypted)


def verify(
    file: Path,
    *,
    length: int,
    etag: str,
    sha256: str,
    promised: ExpectedChecksums,
    part_lengths: Callable[[int, bool], Sequence[int]],
) -> tuple[str, str]:
    """The file's sha256 and the name of the check that it passed.

    Args:
        file: The bytes.
        length, etag: As listed.
        sha256: As the manifest says, or "".
        promised: What the store says.
        part_lengths: Asks the store: (N, False) for the length of the first part of N, (N, True) for all; empty where
            it does not tell.

    Raises:
        CorruptError: These are other bytes than those promised.
    """
    found = file.stat().st_size
    if found != length:
        raise CorruptError(f"{found} bytes, expected {length}")
    stored = next((name for name in ALGORITHMS if name in promised.checksums), "")
    one_part = _ONE_PART.fullmatch(etag) if promised.etag_is_md5 else None
    parts = _PARTS.fullmatch(etag) if promised.etag_is_md5 else None
    by_md5 = bool(one_part and not sha256 and not stored)
    digests = _digests(file, {"sha256", *([stored] if stored else []), *(["md5"] if by_md5 else [])})
    actual = digests["sha256"].hex()
    if sha256:
        _expect("sha256", actual, sha256, "the manifest's")
        return actual, BY_MANIFEST
    if stored:
        _expect(stored, base64.b64encode(digests[stored]).decode(), promised.checksums[stored], "the store's")
        return actual, stored
    if by_md5:
        _expect("MD5", digests["md5"].hex(), etag, "its ETag")
        return actual, BY_ETAG
    if parts and _has_parts(file, length, parts[1], int(parts[2]), part_lengths):
        return actual, BY_PARTS
    return actual, BY_LENGTH


def _has_parts(
    file: Path, length: int, digest: str, count: int, part_lengths: Callable[[int, bool], Sequence[int]]
) -> bool:
    """True if the parts give the ETag; False if the parts' lengths cannot be known.

    Raises:
        CorruptError: The parts' lengths are known and give another.
    """
    told = part_lengths(count, False)
    if told:
        if _etag_of(file, _even(length, told[0])) == digest:
            return True
        every = part_lengths(count, True)
        if sum(every) == length and len(every) == count:
            _expect(f"MD5 of {count} parts", _etag_of(file, every), digest, "its ETag")
            return True
        return False
    guesses = {mebibytes * 2**20 for mebibytes in USUAL_PART_MEBIBYTES} | {math.ceil(length / count / 2**20) * 2**20}
    return any(
        _etag_of(file, _even(length, part)) == digest
        for part in sorted(guesses)
        if part and math.ceil(length / part) == count
    )


def _even(length: int, part: int) -> list[int]:
    return [min(part, length - at) for at in range(0, length, part)]


def _etag_of(file: Path, lengths: Sequence[int]) -> str:
    whole = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        for length in lengths:
            part = hashlib.md5(usedforsecurity=False)
            while length > 0 and (block := stream.read(min(_BLOCK_BYTES, length))):
                part.update(block)
                length -= len(block)
            whole.update(part.digest())
    return whole.hexdigest()


def _expect(what: str, found: str, promised: str, whose: str) -> None:
    if found != promised:
        raise CorruptError(f"{what} {found}, {whose} is {promised}")


class _Crc32:
    def __init__(self) -> None:
        self._state = 0

    def update(self, content: bytes) -> None:
        self._state = zlib.crc32(content, self._state)

    def digest(self) -> bytes:
        return self._state.to_bytes(4, "big")


def new_digest(name: str) -> Any:
    """A running digest with hashlib's `update` and `digest`: one of `ALGORITHMS`, or "md5"."""
    if name in ("crc32c", "crc64nvme"):
        from padstal.ingest.s3.crc import CRC32C, CRC64NVME, Crc

        return Crc(CRC32C if name == "crc32c" else CRC64NVME)
    return _Crc32() if name == "crc32" else hashlib.new(name, usedforsecurity=False)


def _digests(file: Path, names: set[str]) -> dict[str, bytes]:
    running = {name: new_digest(name) for name in names}
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            for digest in running.values():
                digest.update(block)
    return {name: digest.digest() for name, digest in running.items()}
