"""Shards hold whole buckets of tracks, and one more bucket splits one old one."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest.clip_samples import ClipName, ClipSamples, DamagedError
from padstal.ingest.shards import Shards, bucket_count, bucket_of

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
SHA256 = "ab" * 32


def part(path: Path, clips: np.ndarray) -> ClipSamples:
    """These clips behind some other bytes."""
    path.write_bytes(b"before" + clips.tobytes() + b"after")
    return ClipSamples(path, 6, clips.shape[1:], names(clips))


def names(clips: np.ndarray, sha256: str = SHA256) -> tuple[ClipName, ...]:
    return tuple(
        ClipName(address_of_clip([bytes_of(clip)], clip.shape, sha256[:16], 4 * i), sha256, 4 * i)
        for i, clip in enumerate(clips)
    )


def test_a_shard_holds_what_was_given_and_is_not_written_twice(tmp_path):
    parts = [part(tmp_path / "x", CLIPS[:1]), part(tmp_path / "y", CLIPS[1:])]
    held = parts[0].names + parts[1].names
    for out, content in (("a", parts), ("b", None)):
        shards = Shards(tmp_path / out, tmp_path / "store")
        shards.write(7, CLIPS.shape[1:], held, content)
        shards.sweep()
        shards.close()
        assert np.array_equal(np.load(tmp_path / out / "00007.npy"), CLIPS)
    shards = Shards(tmp_path / "c", tmp_path / "store")
    shards.sweep()
    assert not list((tmp_path / "store").glob("*.npy"))
    shards.close()


def test_clips_are_read_only_where_they_have_their_names(tmp_path):
    found = part(tmp_path / "x", CLIPS)
    assert b"".join(bytes(block) for block in found.blocks()) == CLIPS.tobytes()
    longer = replace(found, names=(*found.names, found.names[0]))
    for wrong in (longer, replace(found, start=5), replace(found, path=tmp_path / "none")):
        with pytest.raises(DamagedError, match=SHA256):
            list(wrong.blocks())


def test_a_track_is_found_in_its_shard_until_the_shard_changes(tmp_path):
    other = replace(part(tmp_path / "y", CLIPS[:1]), names=names(CLIPS[:1], "cd" * 32))
    found = part(tmp_path / "x", CLIPS)
    shards = Shards(tmp_path / "out", tmp_path / "store")
    assert shards.write(0, CLIPS.shape[1:], other.names + found.names, [other, found])
    place = shards.place(SHA256)
    assert place is not None
    list(ClipSamples(*place, CLIPS.shape[1:], found.names).blocks())
    assert shards.place("ef" * 32) is None
    place[0].write_bytes(b"")
    assert shards.place(SHA256) is None
    shards.close()
