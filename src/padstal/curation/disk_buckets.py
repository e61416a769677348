"""Rows sorted into buckets on disk and read back one bucket at a time: work on more rows than memory holds."""

import tempfile
from contextlib import ExitStack
from typing import IO, Self

import numpy as np

MOST_BUCKETS = 256
"""Each is an open file; systems allow a process 1024 or so."""


class Spill:
    """Rows of one type and width in numbered buckets, in files of the system's folder for temporary ones (`TMPDIR`).

    Used as a context, at whose end they are gone.
    """

    def __init__(self, buckets: int, width: int, dtype: type[np.generic]):
        self.buckets = min(max(buckets, 1), MOST_BUCKETS)
        self._width, self._dtype = width, np.dtype(dtype)
        self._stack = ExitStack()
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        self._files = [
            self._stack.enter_context(tempfile.TemporaryFile(prefix="padstal-", buffering=0))  # noqa: SIM115
            for _ in range(self.buckets)
        ]
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def add(self, bucket_N: np.ndarray, rows_NW: np.ndarray) -> None:
        """Put rows [N, width] into their buckets, behind those that are there."""
        order = np.argsort(bucket_N, kind="stable")
        sorted_NW = np.ascontiguousarray(rows_NW[order], self._dtype)
        edges = np.searchsorted(bucket_N[order], np.arange(self.buckets + 1))
        for file, start, stop in zip(self._files, edges, edges[1:], strict=False):
            left = sorted_NW[start:stop].data.cast("B") if stop > start else b""
            while left:
                left = left[file.write(left) :]

    def read(self, bucket: int) -> np.ndarray:
        """All rows of a bucket, in the order in which they came."""
        file = self._files[bucket]
        file.seek(0)
        return np.fromfile(file, self._dtype).reshape(-1, self._width)
