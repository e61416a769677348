"""Checksums that S3 keeps: published answers, and the same answer however the bytes are cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.ingest.s3.crc import CRC32C, CRC64NVME, Crc


@pytest.mark.parametrize(
    ("polynomial", "content", "expected"),
    [
        (CRC32C, b"123456789", "e3069283"),
        (CRC32C, bytes(32), "8a9136aa"),  # RFC 3720, B.4
        (CRC32C, b"\xff" * 32, "62a8ab43"),
        (CRC32C, bytes(range(32)), "46dd794e"),
        (CRC64NVME, b"123456789", "ae8b14860a799888"),
        (CRC64NVME, bytes(4096), "6482d367eb22b64e"),  # NVM Express, 64b CRC test cases
        (CRC64NVME, b"\xff" * 4096, "c0ddba7302eca3ac"),
    ],
)
def test_published_answers(polynomial, content, expected):
    crc = Crc(polynomial)
    crc.update(content)
    assert crc.digest().hex() == expected


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_it_does_not_matter_how_the_bytes_are_cut(content, cuts):
    for polynomial in (CRC32C, CRC64NVME):
        whole, pieces = Crc(polynomial), Crc(polynomial)
        whole.update(content)
        edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
        for start, stop in pairwise(edges):
            pieces.update(content[start:stop])
        assert pieces.digest() == whole.digest()


def test_every_single_bit_counts():
    content = np.arange(41, dtype=np.uint8)
    seen = set()
    for bit in range(8 * len(content)):
        flipped = content.copy()
        flipped[bit // 8] ^= 1 << bit % 8
        crc = Crc(CRC64NVME)
        crc.update(flipped.tobytes())
        seen.add(crc.digest())
    assert len(seen) == 8 * len(content)
