from pathlib import Path

import numpy as np
import pytest

from padstal.core.data.row_file import RowFile


def resident() -> int:
    """Memory of this process in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(row.split()[1]) for row in text.splitlines() if row.startswith("VmRSS")) * 1024


def test_what_is_written_in_any_order_is_the_file_that_numpy_saves(tmp_path):
    whole = np.random.default_rng(0).standard_normal((7, 3, 2)).astype(np.float16)
    rows = RowFile.create(tmp_path / "rows.npy", whole.shape, np.float16)
    rows[np.array([6, 1])] = whole[[6, 1]].astype(np.float32)
    rows[2:6] = whole[2:6]
    rows[0] = whole[0]
    np.save(tmp_path / "whole.npy", whole)
    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    read = RowFile(tmp_path / "rows.npy")
    assert (len(read), read.shape, read.dtype) == (7, (7, 3, 2), np.float16)
    assert np.array_equal(read[np.array([[4, 0], [5, 5]])], whole[[[4, 0], [5, 5]]])
    assert np.array_equal(read[1:3], whole[1:3])
    assert np.array_equal(read[np.array([3, 1]), 1:3], whole[[3, 1], 1:3])


def test_what_is_read_is_a_copy_and_a_file_opened_to_read_is_not_written(tmp_path):
    np.save(tmp_path / "rows.npy", np.arange(4))
    rows = RowFile(tmp_path / "rows.npy")
    first = rows[:2]
    first[:] = 9
    assert rows[:2].tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1


def test_a_file_of_python_objects_is_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        RowFile(tmp_path / "rows.npy")


def test_memory_holds_no_row_that_is_done_with(tmp_path):
    before = resident()
    rows = RowFile.create(tmp_path / "rows.npy", (64, 2**19), np.uint8)
    for row in range(64):
        rows[row] = np.full(2**19, row, np.uint8)
    read = RowFile(tmp_path / "rows.npy")
    assert [int(read[row][0]) for row in range(64)] == list(range(64))
    assert resident() - before < 2**23, "of 32 MiB"
