"""Shards hold whole buckets of tracks, and one more bucket splits one old one."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from padstal.audio.shards import Shards, bucket_count, bucket_of

NAMES = sorted(hashlib.sha256(str(i).encode()).hexdigest() for i in range(1000))


@given(st.integers(1, 600))
def test_one_more_bucket_splits_one_and_leaves_the_others(buckets):
    before = [bucket_of(name, buckets) for name in NAMES]
    after = [bucket_of(name, buckets + 1) for name in NAMES]
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} <= {buckets}
    assert len({old for old, _ in moved}) <= 1


@given(st.integers(1, 600))
def test_the_tracks_of_a_bucket_are_neighbours_in_the_order_of_their_names(buckets):
    order = [bucket_of(name, buckets) for name in NAMES]
    changes = [bucket for i, bucket in enumerate(order) if i == 0 or bucket != order[i - 1]]
    assert len(changes) == len(set(changes))
    assert set(order) <= set(range(buckets))


def test_buckets_hold_as_many_tracks_as_asked_on_average():
    assert [bucket_count(tracks, 8) for tracks in (0, 1, 8, 9, 80)] == [1, 1, 1, 2, 10]
    counts = np.bincount([bucket_of(name, 24) for name in NAMES])
    assert len(counts) == 24
    assert counts.max() < 3 * 1000 / 24


def test_a_shard_holds_what_was_given_and_is_not_written_twice(tmp_path):
    clips = np.arange(24, dtype=np.int16).reshape(3, 4, 2)
    pieces = [clips[:1].tobytes(), clips[1:].tobytes()]
    for out, content in (("a", pieces), ("b", None)):
        shards = Shards(tmp_path / out, tmp_path / "store")
        shards.write(7, (3, 4, 2), "some names", content)
        shards.sweep()
        shards.close()
        assert np.array_equal(np.load(tmp_path / out / "00007.npy"), clips)
    shards = Shards(tmp_path / "c", tmp_path / "store")
    shards.sweep()
    assert not list((tmp_path / "store").glob("*.npy"))
    shards.close()
