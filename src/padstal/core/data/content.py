"""Content addresses: what a file or a clip is called is what it holds."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

ADDRESS_DIGITS = 16
"""Hexadecimal digits of an address: 64 bits, a collision in 10⁶ clips has probability 3·10⁻⁸."""


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def address(content: bytes) -> str:
    """Address of some bytes."""
    return hashlib.sha256(content).hexdigest()[:ADDRESS_DIGITS]


def bytes_of(pcm_SC: np.ndarray) -> memoryview:
    """int16 samples [S, C] as they lie in files: little-endian."""
    return np.ascontiguousarray(pcm_SC, dtype="<i2").reshape(-1).view(np.uint8).data


def address_of_clip(blocks: Iterable[memoryview], shape: tuple[int, ...], track_id: str, offset_samples: int) -> str:
    """Address of a clip: its samples, its track and where it starts there.

    The samples are little-endian int16 of `shape` [S, C] and come in blocks of bytes.

    Track and offset are part of it, so that a loop that repeats to the sample still gives distinct clips.
    """
    digest = hashlib.sha256(f"{track_id}:{offset_samples}:{shape}".encode())
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()[:ADDRESS_DIGITS]
