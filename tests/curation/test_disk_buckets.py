"""Buckets on disk give back what was put into them, in order."""

import numpy as np
import pytest

from padstal.curation.disk_buckets import MOST_BUCKETS, Spill


@pytest.mark.parametrize("buckets", [1, 7])
def test_every_row_comes_back_from_its_bucket_in_the_order_it_came(buckets: int) -> None:
    rng = np.random.default_rng(0)
    rows_NW = rng.integers(0, 2**32, (1_000, 3), np.uint32)
    bucket_N = rows_NW[:, 0] % np.uint32(buckets)
    with Spill(buckets, 3, np.uint32) as spill:
        for part in np.array_split(np.arange(1_000), 9):
            spill.add(bucket_N[part], rows_NW[part])
        for bucket in range(buckets):
            assert (spill.read(bucket) == rows_NW[bucket_N == bucket]).all()


def test_there_are_no_more_files_than_a_process_may_open_and_one_at_least() -> None:
    assert Spill(10_000, 1, np.int64).buckets == MOST_BUCKETS
    with Spill(0, 2, np.int64) as spill:
        assert spill.buckets == 1
        assert spill.read(0).shape == (0, 2)
