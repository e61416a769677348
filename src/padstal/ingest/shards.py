"""Clips in files of equal shape: `00000.npy`, `00001.npy`, … int16 [clips, samples, channels], bucketed by track.

A track's bucket is a function of its sha256 and of the number of buckets, and that of the number of tracks alone, by
linear hashing (Litwin 1980): one more bucket splits one old one, and all others stay as they are. Within a bucket,
tracks are in the order of their sha256. So a track more or less rewrites one shard, whatever came before.
"""

import io

import numpy as np

HEADER_BYTES = 128
"""Bytes of a shard's header."""
_DIGITS = 8
_BITS = 4 * _DIGITS


def bucket_count(tracks: int, shard_tracks: int) -> int:
    """Buckets for so many tracks, `shard_tracks` each on average."""
    return max(1, -(-tracks // shard_tracks))


def bucket_of(sha256: str, buckets: int) -> int:
    """A track's bucket, 0 … buckets − 1; the tracks of one bucket are neighbours in the order of sha256.

    The reversed leading bits of sha256, modulo the last power of two below `buckets`; modulo the next one for buckets
    that are split already.
    """
    reversed_bits = int(f"{int(sha256[:_DIGITS], 16):0{_BITS}b}"[::-1], 2)
    level = 1 << (buckets.bit_length() - 1)
    bucket = reversed_bits % level
    return reversed_bits % (2 * level) if bucket < buckets - level else bucket


def header(shape: tuple[int, ...]) -> bytes:
    """What a shard of clips begins with, whose `shape` is [clips, samples, channels]."""
    file = io.BytesIO()
    content = {"descr": "<i2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, content)  # type: ignore[arg-type]
    assert file.tell() == HEADER_BYTES, f"{file.getvalue()!r}: expected {HEADER_BYTES} bytes"
    return file.getvalue()
