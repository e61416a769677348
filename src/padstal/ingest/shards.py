"""Clips in files of equal shape: `00000.npy`, `00001.npy`, … int16 [clips, samples, channels], bucketed by track.

A track's bucket is a function of its sha256 and of the number of buckets, and that of the number of tracks alone, by
linear hashing (Litwin 1980): one more bucket splits one old one, and all others stay as they are. Within a bucket,
tracks are in the order of their sha256. So a track more or less rewrites one shard, whatever came before.
"""

import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from padstal.core.data.content import address
from padstal.core.data.database import open_database
from padstal.ingest.clip_samples import Place, clip_blocks
from padstal.ingest.track_cache import Clip

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


class Shards:
    """Writes shards into a folder, and takes those that did not change from the store.

    A stored shard is trusted while its length and modification time are those it was written with.
    """

    def __init__(self, out: Path, store: Path):
        self._out, self._store = out, store
        out.mkdir(parents=True, exist_ok=True)
        store.mkdir(parents=True, exist_ok=True)
        self._records = open_database(
            store / "shards.sqlite",
            "CREATE TABLE IF NOT EXISTS shards (name TEXT PRIMARY KEY, bytes INTEGER, modified_ns INTEGER)",
            "CREATE TABLE IF NOT EXISTS places (sha256 TEXT PRIMARY KEY, name TEXT, start INTEGER) WITHOUT ROWID",
            "CREATE TEMP TABLE used (name TEXT PRIMARY KEY)",
        )

    def close(self) -> None:
        self._records.commit()
        self._records.close()

    def write(
        self,
        bucket: int,
        shape: tuple[int, int],
        tracks: Sequence[tuple[str, Sequence[Clip]]],
        place: Callable[[str], Place | None],
    ) -> bool:
        """The shard of `bucket`; whether the store did not have it.

        Args:
            bucket: Its number.
            shape: Samples and channels of a clip.
            tracks: The sha256 and the clips of each, in order.
            place: Where the samples of a track are; they are read only where the store has no such shard.

        Raises:
            DamagedError: Samples are not those of the clips.
        """
        clips = [clip.clip_id for _, own in tracks for clip in own]
        whole = (len(clips), *shape)
        name = address(f"{whole} {' '.join(clips)}".encode())
        stored = self._store / f"{name}.npy"
        self._records.execute("INSERT OR IGNORE INTO used VALUES (?)", (name,))
        new = not self._usable(name, stored)
        if new:
            temporary = stored.with_name(f".{name}.{os.getpid()}")
            places: list[tuple[str, str, int]] = []
            try:
                with temporary.open("wb") as file:
                    file.write(_header(whole))
                    for sha256, own in tracks:
                        places.append((sha256, name, file.tell()))
                        file.writelines(clip_blocks(place(sha256), shape, sha256, own))
                row = (name, *(_stamp(temporary) or ()))
                self._records.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", row)
                self._records.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", places)
                self._records.commit()  # before the name, from which on samples are looked for in the shard
                temporary.replace(stored)
            finally:
                temporary.unlink(missing_ok=True)
        _share(stored, self._out / f"{bucket:05d}.npy")
        return new

    def place(self, sha256: str) -> Place | None:
        """The stored shard that has a track's clips, and the byte where they begin; None where there is none."""
        query = (
            "SELECT p.name, p.start, s.bytes, s.modified_ns FROM places p JOIN shards s USING (name) WHERE p.sha256 = ?"
        )
        row = self._records.execute(query, (sha256,)).fetchone()
        if row is None:
            return None
        stored = self._store / f"{row[0]}.npy"
        return (stored, row[1]) if _stamp(stored) == row[2:] else None

    def sweep(self) -> None:
        """Remove stored shards that this object did not write."""
        for path in self._store.iterdir():
            if path.name.startswith(".") or (path.suffix == ".npy" and not self._is_used(path.stem)):
                path.unlink()
        for table in ("shards", "places"):
            self._records.execute(f"DELETE FROM {table} WHERE name NOT IN (SELECT name FROM used)")

    def _is_used(self, name: str) -> bool:
        return self._records.execute("SELECT 1 FROM used WHERE name = ?", (name,)).fetchone() is not None

    def _usable(self, name: str, stored: Path) -> bool:
        row = self._records.execute("SELECT bytes, modified_ns FROM shards WHERE name = ?", (name,)).fetchone()
        return row is not None and _stamp(stored) == row


def _stamp(path: Path) -> tuple[int, int] | None:
    """Length and modification time (ns) of a file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    content = {"descr": "<i2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, content)  # type: ignore[arg-type]
    assert file.tell() == HEADER_BYTES, f"{file.getvalue()!r}: expected {HEADER_BYTES} bytes"
    return file.getvalue()


def _share(stored: Path, target: Path) -> None:
    """One file under two names; a copy where the file system has no hard links."""
    try:
        os.link(stored, target)
    except OSError:
        shutil.copyfile(stored, target)
