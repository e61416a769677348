"""CRC-32C (RFC 3720) and CRC-64/NVME, checksums that S3 keeps beside objects and Python's library lacks.

Both are reflected, start from all ones and end inverted; eight bytes a step from eight tables ("slicing by 8").
"""

from functools import cache

import numpy as np
from numba import njit

CRC32C = 0x82F63B78
CRC64NVME = 0x9A6C9329AC4BC9B5
"""Polynomials, lowest power in the highest bit."""


class Crc:
    """A running CRC with hashlib's `update`.

    Args:
        polynomial: `CRC32C` or `CRC64NVME`.
    """

    def __init__(self, polynomial: int):
        self.digest_size = 4 if polynomial < 2**32 else 8
        self._ones = 2 ** (8 * self.digest_size) - 1
        self._tables = _tables(polynomial)
        self._state = self._ones

    def update(self, content: bytes) -> None:
        """Take in more bytes."""
        octets = np.frombuffer(content, dtype=np.uint8)
        self._state = int(_advance(np.uint64(self._state), octets, self._tables))

    def digest(self) -> bytes:
        """Big-endian, as S3 writes it."""
        return (self._state ^ self._ones).to_bytes(self.digest_size, "big")


@cache
def _tables(polynomial: int) -> np.ndarray:
    """uint64 [8, 256]: table k steps a byte over k further zero bytes."""
    first = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        first.append(value)
    tables = [first]
    for _ in range(7):
        tables.append([(value >> 8) ^ first[value & 0xFF] for value in tables[-1]])
    return np.array(tables, dtype=np.uint64)


@njit("uint64(uint64, Array(uint8, 1, 'C', readonly=True), uint64[:, ::1])", nogil=True, cache=True)
def _advance(state: np.uint64, octets: np.ndarray, tables: np.ndarray) -> np.uint64:
    low, eight = np.uint64(0xFF), np.uint64(8)
    whole = len(octets) // 8 * 8
    for at in range(0, whole, 8):
        mixed = state
        for k in range(8):
            mixed = mixed ^ np.uint64(octets[at + k]) << np.uint64(8 * k)
        state = np.uint64(0)
        for k in range(8):
            state = state ^ tables[7 - k, (mixed >> np.uint64(8 * k)) & low]
    for at in range(whole, len(octets)):
        state = (state >> eight) ^ tables[0, (state ^ np.uint64(octets[at])) & low]
    return state
