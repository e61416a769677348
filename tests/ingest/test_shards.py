"""Shards hold whole buckets of tracks, and one more bucket splits one old one."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest.clip_samples import DamagedError, clip_blocks
from padstal.ingest.measure import Measures
from padstal.ingest.shards import Shards, bucket_count, bucket_of
from padstal.ingest.track_cache import Clip

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


CLIPS = np.arange(24, dtype=np.int16).reshape(3, 4, 2)
SHA256, OTHER = "ab" * 32, "cd" * 32
SILENT = Measures(-70.0, -120.0, -120.0, 0.0, 0.0, 0.0, -120.0)


def written(path: Path, clips: np.ndarray) -> tuple[Path, int]:
    """Where these clips are: behind some other bytes."""
    path.write_bytes(b"before" + clips.tobytes() + b"after")
    return path, 6


def named(clips: np.ndarray, sha256: str = SHA256) -> list[Clip]:
    return [
        Clip(address_of_clip([bytes_of(clip)], clip.shape, sha256[:16], 4 * i), 4 * i, SILENT)
        for i, clip in enumerate(clips)
    ]


def test_a_shard_holds_what_was_given_and_is_not_written_twice(tmp_path):
    places = {SHA256: written(tmp_path / "x", CLIPS[:1]), OTHER: written(tmp_path / "y", CLIPS[1:])}
    tracks = [(SHA256, named(CLIPS[:1])), (OTHER, named(CLIPS[1:], OTHER))]
    for out, place in (("a", places.get), ("b", None)):
        shards = Shards(tmp_path / out, tmp_path / "store")
        shards.write(7, CLIPS.shape[1:], tracks, place)
        shards.sweep()
        shards.close()
        assert np.array_equal(np.load(tmp_path / out / "00007.npy"), CLIPS)
    shards = Shards(tmp_path / "c", tmp_path / "store")
    shards.sweep()
    assert not list((tmp_path / "store").glob("*.npy"))
    shards.close()


def test_clips_are_read_only_where_they_have_their_names(tmp_path):
    path, start = written(tmp_path / "x", CLIPS)
    shape, clips = CLIPS.shape[1:], named(CLIPS)
    assert b"".join(bytes(block) for block in clip_blocks((path, start), shape, SHA256, clips)) == CLIPS.tobytes()
    for place, own in (
        ((path, start), [*clips, clips[0]]),
        ((path, 5), clips),
        ((tmp_path / "none", start), clips),
        (None, clips),
    ):
        with pytest.raises(DamagedError, match=SHA256):
            list(clip_blocks(place, shape, SHA256, own))


def test_a_track_is_found_in_its_shard_until_the_shard_changes(tmp_path):
    places = {OTHER: written(tmp_path / "y", CLIPS[:1]), SHA256: written(tmp_path / "x", CLIPS)}
    tracks = [(OTHER, named(CLIPS[:1], OTHER)), (SHA256, named(CLIPS))]
    shards = Shards(tmp_path / "out", tmp_path / "store")
    assert shards.write(0, CLIPS.shape[1:], tracks, places.get)
    place = shards.place(SHA256)
    assert place is not None
    list(clip_blocks(place, CLIPS.shape[1:], SHA256, named(CLIPS)))
    assert shards.place("ef" * 32) is None
    place[0].write_bytes(b"")
    assert shards.place(SHA256) is None
    shards.close()
