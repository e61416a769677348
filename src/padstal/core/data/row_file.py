"""An array on disk (.npy) of which memory holds the rows at hand: a batch at a time is written, or read.

The file is mapped. A plain map keeps every page that was ever touched in the process's memory until the machine runs
short of it, so a stage that goes through all clips once would seem to need memory for all of them. Here the pages go
with each access; they stay in the kernel's cache, which all processes of the machine share.
"""

import mmap
from pathlib import Path
from typing import Any

import numpy as np


class RowFile:
    """The array of `path`, row by row; what is read is a copy.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is no array, or one of Python objects.
    """

    def __init__(self, path: Path):
        self._rows: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)

    @classmethod
    def create(cls, path: Path, shape: tuple[int, ...], dtype: Any) -> "RowFile":
        """A file of `shape` to fill, zero at first."""
        made = cls.__new__(cls)
        made._rows = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        return made

    @property
    def shape(self) -> tuple[int, ...]:
        return self._rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._rows.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        read = np.array(self._rows[rows])
        self._let_go()
        return read

    def __setitem__(self, rows: Any, values: np.ndarray) -> None:
        self._rows[rows] = values
        self._let_go()

    def _let_go(self) -> None:
        file: Any = self._rows.base
        file.madvise(mmap.MADV_DONTNEED)
