"""Shards hold whole buckets of tracks, and one more bucket splits one old one."""

import hashlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest.clip_samples import DamagedError, clip_blocks
from padstal.ingest.measure import Measures
from padstal.ingest.outcome import Clip, Track
from padstal.ingest.shards import bucket_count, bucket_of
from padstal.ingest.track_cache import TrackCache, keep_samples

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


def stored(cache: TrackCache, sha256: str, clips: np.ndarray) -> tuple[str, list[Clip]]:
    """A track of these clips, put into the cache."""
    own = named(clips, sha256)
    keep_samples(cache.folder, sha256, list(clips))
    cache.keep(sha256, Track(1.0, 8_000, 2, tuple(own), 0))
    return sha256, own


def test_a_shard_holds_what_was_given_and_is_not_written_twice(tmp_path):
    for out in ("a.npy", "b.npy"):
        with closing(TrackCache(tmp_path / "store", "key")) as cache:
            tracks = [stored(cache, SHA256, CLIPS[:1]), stored(cache, OTHER, CLIPS[1:])]
            if out == "b.npy":
                (cache.folder / f"{SHA256}.samples").unlink()
            cache.write_shard(tmp_path / out, CLIPS.shape[1:], tracks)
            assert [result.clips for result in map(cache.read, (SHA256, OTHER))] == [tuple(own) for _, own in tracks]
            cache.sweep(lambda sha256: True)
        assert np.array_equal(np.load(tmp_path / out), CLIPS)
    with closing(TrackCache(tmp_path / "store", "key")) as cache:
        cache.sweep(lambda sha256: True)
        assert not list(cache.folder.glob("*.npy"))
        assert cache.read(SHA256) is None


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
    with closing(TrackCache(tmp_path / "store", "key")) as cache:
        tracks = [stored(cache, OTHER, CLIPS[:1]), stored(cache, SHA256, CLIPS)]
        cache.write_shard(tmp_path / "out.npy", CLIPS.shape[1:], tracks)
        place = cache.place(SHA256)
        assert place is not None
        list(clip_blocks(place, CLIPS.shape[1:], SHA256, named(CLIPS)))
        assert cache.place("ef" * 32) is None
        place[0].write_bytes(b"")
        assert cache.place(SHA256) is None
