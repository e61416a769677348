"""Shards hold whole buckets of tracks, and one more bucket splits one old one."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest.clip_samples import ClipName, ClipSamples, DamagedError, intact
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
    return ClipSamples(SHA256, path, 6, clips.shape)


def names(clips: np.ndarray) -> list[ClipName]:
    return [
        ClipName(address_of_clip([bytes_of(clip)], clip.shape, SHA256[:16], 4 * i), SHA256, 4 * i)
        for i, clip in enumerate(clips)
    ]


def test_a_shard_holds_what_was_given_and_is_not_written_twice(tmp_path):
    parts = [part(tmp_path / "x", CLIPS[:1]), part(tmp_path / "y", CLIPS[1:])]
    for out, content in (("a", parts), ("b", None)):
        shards = Shards(tmp_path / out, tmp_path / "store")
        shards.write(7, CLIPS.shape, names(CLIPS), content)
        shards.sweep()
        shards.close()
        assert np.array_equal(np.load(tmp_path / out / "00007.npy"), CLIPS)
    shards = Shards(tmp_path / "c", tmp_path / "store")
    shards.sweep()
    assert not list((tmp_path / "store").glob("*.npy"))
    shards.close()


@pytest.mark.parametrize("block", [2**24, 1000])
def test_a_piece_is_copied_whole_or_not_at_all(tmp_path, monkeypatch, block):
    monkeypatch.setattr("padstal.ingest.clip_samples._BLOCK", block)
    clips = np.random.default_rng(0).integers(-(2**15), 2**15, (3, 2**15 + 5, 1), np.int16)
    found = part(tmp_path / "x", clips)
    with (tmp_path / "target").open("wb", buffering=0) as target:
        target.write(b"head")
        found.copy_to(target.fileno(), 4)
        replace(found, names=tuple(names(clips))).copy_to(target.fileno(), 4 + found.length)
    assert (tmp_path / "target").read_bytes() == b"head" + 2 * clips.tobytes()
    longer = replace(found, shape=(4, *found.shape[1:]))
    with (tmp_path / "target").open("wb", buffering=0) as target, pytest.raises(DamagedError, match=SHA256):
        longer.copy_to(target.fileno(), 0)
    moved = replace(found, start=found.start - 1, names=tuple(names(clips)))
    with (tmp_path / "target").open("wb", buffering=0) as target, pytest.raises(DamagedError, match=SHA256):
        moved.copy_to(target.fileno(), 0)


def test_clips_are_intact_where_their_samples_have_their_names(tmp_path):
    found = part(tmp_path / "x", CLIPS)
    assert intact(found.path, found.start, found.shape, names(CLIPS))
    assert not intact(found.path, found.start - 1, found.shape, names(CLIPS))
    assert not intact(found.path, found.start, (4, 4, 2), [*names(CLIPS), names(CLIPS)[0]])


def test_a_shard_that_changed_behind_its_times_is_seen_by_verification_alone(tmp_path):
    parts = [part(tmp_path / "x", CLIPS)]

    def written(out: str, *, verify: bool, content: list[ClipSamples] | None) -> np.ndarray:
        shards = Shards(tmp_path / out, tmp_path / "store", verify=verify)
        shards.write(0, CLIPS.shape, names(CLIPS), content)
        shards.close()
        return np.load(tmp_path / out / "00000.npy")

    written("a", verify=False, content=parts)
    (stored,) = (tmp_path / "store").glob("*.npy")
    times = stored.stat().st_atime_ns, stored.stat().st_mtime_ns
    spoiled = bytearray(stored.read_bytes())
    spoiled[-1] ^= 1
    stored.write_bytes(spoiled)
    os.utime(stored, ns=times)
    assert not np.array_equal(written("b", verify=False, content=None), CLIPS)
    assert np.array_equal(written("c", verify=True, content=parts), CLIPS)


def test_a_track_is_found_in_its_shard_until_the_shard_changes(tmp_path):
    other = [replace(name, sha256="cd" * 32) for name in names(CLIPS[:1])]
    both = np.concatenate([CLIPS[:1], CLIPS])
    shards = Shards(tmp_path / "out", tmp_path / "store")
    assert shards.write(0, both.shape, [*other, *names(CLIPS)], [part(tmp_path / "x", both)])
    place = shards.place(SHA256)
    assert place is not None
    assert intact(*place, CLIPS.shape, names(CLIPS))
    assert shards.place("ef" * 32) is None
    place[0].write_bytes(b"")
    assert shards.place(SHA256) is None
    shards.close()
