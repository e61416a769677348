"""What a store says about an object is taken for as much as it says, and no more."""

import base64
import hashlib
import os
from itertools import pairwise

import pytest

from padstal.ingest.s3.checksums import ExpectedChecksums, expected_checksums, new_digest, verify
from padstal.ingest.s3.errors import CorruptError

NOTHING = ExpectedChecksums({}, True)


def _unknown(count: int, every: bool) -> list[int]:
    return []


def _check(
    path, content: bytes, etag: str, promised: ExpectedChecksums = NOTHING, sha256: str = "", parts=_unknown
) -> str:
    path.write_bytes(content)
    found, check = verify(path, length=len(content), etag=etag, sha256=sha256, promised=promised, part_lengths=parts)
    assert found == hashlib.sha256(content).hexdigest()
    return check


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_digests_of_the_library_are_what_they_are(name):
    digest = new_digest(name)
    digest.update(b"12345")
    digest.update(b"6789")
    assert digest.digest() == hashlib.new(name, b"123456789").digest()


def test_crc32_has_its_published_answer():
    digest = new_digest("crc32")
    digest.update(b"123456789")
    assert digest.digest().hex() == "cbf43926"


def test_a_checksum_of_parts_is_not_taken_for_one_of_the_whole():
    answer = {"ChecksumSHA256": "abc=", "ChecksumCRC32": "x-3", "ChecksumType": "COMPOSITE"}
    assert expected_checksums(answer) == NOTHING
    assert expected_checksums({"ChecksumCRC32": "x-3"}) == NOTHING
    assert expected_checksums({"ChecksumCRC32": "abc=", "ChecksumType": "FULL_OBJECT"}).checksums == {"crc32": "abc="}


@pytest.mark.parametrize("answer", [{"ServerSideEncryption": "aws:kms"}, {"SSECustomerAlgorithm": "AES256"}])
def test_where_the_store_encrypts_with_a_key_of_its_own_the_etag_is_no_md5(tmp_path, answer):
    assert _check(tmp_path / "x", b"content", "0" * 32, expected_checksums(answer)) == "length"
    with pytest.raises(CorruptError):
        _check(tmp_path / "x", b"content", "0" * 32, expected_checksums({"ServerSideEncryption": "AES256"}))


def test_the_strongest_check_is_taken(tmp_path):
    content = b"content"
    md5 = hashlib.md5(content).hexdigest()
    sha256 = hashlib.sha256(content).hexdigest()
    kept = ExpectedChecksums({"sha1": base64.b64encode(hashlib.sha1(content).digest()).decode()}, True)
    assert _check(tmp_path / "x", content, md5, kept, sha256) == "manifest_sha256"
    assert _check(tmp_path / "x", content, md5, kept) == "sha1"
    assert _check(tmp_path / "x", content, md5) == "etag_md5"
    assert _check(tmp_path / "x", content, "an opaque tag") == "length"


def test_another_length_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"123")
    with pytest.raises(CorruptError, match="3 bytes, expected 4"):
        verify(tmp_path / "x", length=4, etag="", sha256="", promised=NOTHING, part_lengths=_unknown)


def _etag(pieces: list[bytes]) -> str:
    whole = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces))
    return f"{whole.hexdigest()}-{len(pieces)}"


@pytest.mark.parametrize("lengths", [[5, 5, 5], [5, 5, 2], [4, 7, 1], [12]])
def test_parts_whose_lengths_the_store_tells_decide(tmp_path, lengths):
    content = os.urandom(sum(lengths))
    edges = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    etag = _etag([content[start:stop] for start, stop in pairwise(edges)])

    def told(count: int, every: bool) -> list[int]:
        return lengths if every else lengths[:1]

    assert _check(tmp_path / "x", content, etag, parts=told) == "etag_parts"
    with pytest.raises(CorruptError, match="its ETag"):
        _check(tmp_path / "x", content[::-1], etag, parts=told)
