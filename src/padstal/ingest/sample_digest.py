"""The MD5 of samples that FLAC states in its first block (RFC 9639)."""

import hashlib

import numpy as np

from padstal.ingest.rejection import damaged

WHOLE_BYTES = (8, 16, 24)
"""Bits of samples whose MD5 is checked."""


class SampleDigest:
    """Takes samples in the order in which they play.

    Args:
        md5: What is expected; b"" where nothing is.
        bits: Of a sample.
    """

    def __init__(self, md5: bytes, bits: int) -> None:
        self._expected, self._bits = md5, bits
        self._digest = hashlib.md5(usedforsecurity=False)
        self.wanted = bool(md5) and bits in WHOLE_BYTES

    def update(self, samples_SC: np.ndarray) -> None:
        """Samples int16 or int32 [S, C], in the upper bits where they have fewer."""
        if self._bits == 16:
            packed = np.ascontiguousarray(samples_SC, "<i2")
        elif self._bits == 8:
            packed = (samples_SC >> 8).astype(np.int8)
        else:
            wide = np.ascontiguousarray(samples_SC, "<i4").view(np.uint8)
            packed = np.ascontiguousarray(wide.reshape(-1, 4)[:, 1:])
        self._digest.update(packed.data)

    def check(self) -> None:
        """Raises RejectedError `damaged` where the samples have another MD5."""
        if self.wanted and self._digest.digest() != self._expected:
            raise damaged("its samples do not have the MD5 that its header states")
