"""What came of each file, kept by the file's content, so that no file is taken in twice; and the shards of all clips.

    <root>/<key>/tracks.sqlite                       what came of each file, and where its clips' samples are
    <root>/<key>/<sha256>.samples                    those that are in no shard yet
    <root>/<key>/<address of the clips in it>.npy    a shard

`key` is that of the form and of the code that makes clips; the store of another key is swept. What the database has of
a file bears a CRC-32, and counts as missing where it is damaged. What depends on the machine (crashes, time-outs) is
not kept.

The clips' int16 samples, which the clips' ids are digests of, lie in a file of their track until its shard is made, and
in the shard from then on, which shares its bytes with the output where the file system has hard links. A shard is
trusted while its length and modification time are those it was written with. Tracks that the sources no longer have are
swept at the end of a run.
"""

import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from padstal.core.data.content import address, bytes_of
from padstal.core.data.database import open_database
from padstal.ingest.clip_samples import Place, clip_blocks
from padstal.ingest.outcome import OUTCOME, Clip, Rejection, Track
from padstal.ingest.shards import HEADER_BYTES, header


def keep_samples(folder: Path, sha256: str, clips: Sequence[np.ndarray]) -> None:
    """Put a track's clips, int16 [samples, channels] each, where its store looks for them; by any process."""
    _write(folder / _samples(sha256), map(bytes_of, clips))


class TrackCache:
    """Entries of one key, in a database that one process uses at a time.

    Args:
        root: Holds the stores of all keys.
        key: Of the form and the code.
    """

    def __init__(self, root: Path, key: str):
        self._root, self.folder = root, root / key
        self._database = open_database(
            self.folder / "tracks.sqlite",
            "CREATE TABLE IF NOT EXISTS tracks (sha256 TEXT PRIMARY KEY, outcome TEXT, crc INTEGER, file TEXT, "
            "start INTEGER) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS shards (name TEXT PRIMARY KEY, bytes INTEGER, modified_ns INTEGER)",
            "CREATE TEMP TABLE used (name TEXT PRIMARY KEY)",
        )
        self._database.execute("PRAGMA secure_delete = ON")  # what is forgotten leaves no trace

    def close(self) -> None:
        self._database.commit()
        self._database.close()

    def keep(self, sha256: str, outcome: Track | Rejection) -> None:
        """Remember what came of a file; a track's samples are there by `keep_samples`."""
        text = OUTCOME.dump_json(outcome)
        row = (sha256, text, zlib.crc32(text), _samples(sha256))
        self._database.execute("INSERT OR REPLACE INTO tracks VALUES (?, ?, ?, ?, 0)", row)
        self._database.commit()

    def read(self, sha256: str) -> Track | Rejection | None:
        """What came of a file; None where that is not known, or not readable any more."""
        row = self._database.execute("SELECT outcome, crc FROM tracks WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None or zlib.crc32(row[0]) != row[1]:
            return None
        outcome = OUTCOME.validate_json(row[0])
        return outcome if isinstance(outcome, Rejection) or self.place(sha256) else None

    def place(self, sha256: str) -> Place | None:
        """Where the samples of a track's clips are; None for nowhere."""
        query = (
            "SELECT t.file, t.start, s.bytes, s.modified_ns FROM tracks t LEFT JOIN shards s ON s.name = t.file "
            "WHERE t.sha256 = ?"
        )
        row = self._database.execute(query, (sha256,)).fetchone()
        if row is None:
            return None
        file, own = self.folder / row[0], row[0] == _samples(sha256)
        return (file, row[1]) if (file.exists() if own else _stamp(file) == row[2:]) else None

    def drop(self, sha256: str) -> None:
        """Forget what came of a file."""
        self._database.execute("DELETE FROM tracks WHERE sha256 = ?", (sha256,))

    def write_shard(self, target: Path, shape: tuple[int, int], tracks: Sequence[tuple[str, Sequence[Clip]]]) -> None:
        """Clips as a file of `shards`, whose samples are read only where the store has no such shard.

        Args:
            target: The file.
            shape: Samples and channels of a clip.
            tracks: The sha256 and the clips of each, in order.

        Raises:
            DamagedError: Samples are not those of the clips.
        """
        clips = [clip.clip_id for _, own in tracks for clip in own]
        whole = (len(clips), *shape)
        name = address(f"{whole} {' '.join(clips)}".encode()) + ".npy"
        places: list[tuple[str, int, str, str]] = []
        at = HEADER_BYTES
        for sha256, own in tracks:
            places.append((name, at, sha256, name))
            at += len(own) * 2 * math.prod(shape)
        stored = self.folder / name
        self._database.execute("INSERT OR IGNORE INTO used VALUES (?)", (name,))
        known = self._database.execute("SELECT bytes, modified_ns FROM shards WHERE name = ?", (name,)).fetchone()
        if known is None or _stamp(stored) != known:
            every = (clip_blocks(self.place(sha256), shape, sha256, own) for sha256, own in tracks)
            _write(stored, chain([header(whole)], chain.from_iterable(every)))
            self._database.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", (name, *(_stamp(stored) or ())))
        self._database.executemany("UPDATE tracks SET file = ?, start = ? WHERE sha256 = ? AND file != ?", places)
        self._database.commit()
        for sha256, _ in tracks:
            (self.folder / _samples(sha256)).unlink(missing_ok=True)
        _share(stored, target)

    def sweep(self, wanted: Callable[[str], bool]) -> None:
        """Remove other keys' stores, tracks not `wanted`, shards not written by this object, and what is in neither."""
        for other in self._root.iterdir():
            if other.is_dir() and other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self._database.create_function("wanted", 1, wanted)
        self._database.execute("DELETE FROM tracks WHERE NOT wanted(sha256)")
        self._database.execute("DELETE FROM shards WHERE name NOT IN (SELECT name FROM used)")
        self._database.commit()
        for path in self.folder.iterdir():
            used = self._database.execute("SELECT 1 FROM used WHERE name = ?", (path.name,)).fetchone()
            if used is None and not path.name.startswith("tracks.sqlite"):
                path.unlink()


def _samples(sha256: str) -> str:
    return f"{sha256}.samples"


def _write(path: Path, blocks: Iterable[bytes | memoryview]) -> None:
    """A file that is whole or not there; not synced, so what a power failure tears is seen when it is read."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.writelines(blocks)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Length and modification time (ns) of a file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _share(stored: Path, target: Path) -> None:
    """One file under two names; a copy where the file system has no hard links."""
    try:
        os.link(stored, target)
    except OSError:
        shutil.copyfile(stored, target)
