"""What came of each file, kept by the file's content, so that no file is taken in twice.

    <root>/<key>/tracks/<first two digits of sha256>/<sha256>.track
    <root>/<key>/shards/<address of the tracks in it>.npy          (`shards`)

`key` is that of the form and of the code that makes clips; the store of another key is swept. A `.track` file is one
line, CRC-32 and JSON, and the clips' int16 samples, which the clips' ids are digests of. Each appears whole or not at
all, and is checked when it is read, so that a torn or damaged one counts as missing. What depends on the machine
(crashes, time-outs) is not kept.

Once a shard holds a track's clips, its `.track` file keeps the line alone (`release`), so that the store takes no disk
besides the shards, which share their bytes with the output where the file system has hard links. Tracks that the
sources no longer have are swept at the end of a run.
"""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from padstal.audio.measure import Measures
from padstal.audio.piece import Name, Piece, intact

_LONGEST_LINE = 64 * 2**20


@dataclass(frozen=True)
class Rejection:
    """A file that gives no clips, and why (`rejection`)."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Clip:
    """One clip of a track.

    Attributes:
        clip_id: Its content address.
        offset_samples: Its start, at the form's sample rate.
        measures: Of the clip.
    """

    clip_id: str
    offset_samples: int
    measures: Measures


@dataclass(frozen=True)
class Track:
    """What a file holds.

    Attributes:
        seconds, sample_rate, channels: Of the file as it is.
        clips: In order; clips that are silent are left out.
        silent_clips: How many those were.
        repairs: What was wrong with the file and put right.
    """

    seconds: float
    sample_rate: int
    channels: int
    clips: tuple[Clip, ...]
    silent_clips: int
    repairs: tuple[str, ...] = ()


class DamagedError(Exception):
    """Samples in the store that are not what was stored; the entry is gone."""


@dataclass(frozen=True)
class TrackStore:
    """Entries of one key.

    Attributes:
        root: Holds the stores of all keys.
        key: Of the form and the code.
    """

    root: Path
    key: str

    @property
    def folder(self) -> Path:
        return self.root / self.key

    @property
    def shards(self) -> Path:
        return self.folder / "shards"

    def path(self, sha256: str) -> Path:
        return self.folder / "tracks" / sha256[:2] / f"{sha256}.track"

    def keep(self, sha256: str, result: Track | Rejection, pcm_KSC: np.ndarray | None = None) -> None:
        """Store what came of a file; `pcm_KSC` are its clips' samples, int16 [clips, samples, channels]."""
        content: dict[str, Any]
        if isinstance(result, Rejection):
            content = {"sha256": sha256, "rejected": [result.reason, result.detail]}
        else:
            assert pcm_KSC is not None
            assert pcm_KSC.dtype == np.int16
            assert len(pcm_KSC) == len(result.clips)
            content = {
                "sha256": sha256,
                "track": {name: value for name, value in vars(result).items() if name != "clips"},
                "clips": [[c.clip_id, c.offset_samples, *vars(c.measures).values()] for c in result.clips],
                "shape": pcm_KSC.shape,
            }
        text = json.dumps(content, separators=(",", ":")).encode()
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with temporary.open("wb") as file:  # not synced: what a power failure tears is seen when it is read
                file.write(b"%08x %s\n" % (zlib.crc32(text), text))
                if pcm_KSC is not None:
                    file.write(pcm_KSC.data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, sha256: str, *, moved: Callable[[str], bool] = lambda sha256: True) -> Track | Rejection | None:
        """What came of a file; None where that is not known, or not readable any more.

        Args:
            sha256: Of the file.
            moved: Whether a track's samples are in a shard; asked where they are not here.
        """
        try:
            with self.path(sha256).open("rb") as file:
                content = _line(file)
                if content is None or content["sha256"] != sha256:
                    return None
                if "rejected" in content:
                    return Rejection(*content["rejected"])
                samples = os.fstat(file.fileno()).st_size - file.tell()
                if samples != 2 * int(np.prod(content["shape"])) and (samples or not moved(sha256)):
                    return None
        except FileNotFoundError:
            return None
        clips = tuple(Clip(name, offset, Measures(*measures)) for name, offset, *measures in content["clips"])
        track = {**content["track"], "repairs": tuple(content["track"]["repairs"])}
        return Track(**track, clips=clips)

    def piece(self, sha256: str, *, elsewhere: Callable[[str], tuple[Path, int] | None], fresh: bool = False) -> Piece:
        """Where the samples of all clips of a track that `read` gave lie, little-endian int16.

        Args:
            sha256: Of the file.
            elsewhere: The shard, and the byte in it, where a track's samples begin; asked where they are not here.
            fresh: This run wrote them; others are read and held against the clips' ids first.

        Raises:
            DamagedError: They are not what was stored; the entry is removed.
        """
        path = self.path(sha256)
        try:
            with path.open("rb") as file:
                content = _line(file)
                if content is not None:
                    here = os.fstat(file.fileno()).st_size > file.tell()
                    place = (path, file.tell()) if here else elsewhere(sha256)
                    names = (Name(clip, sha256, offset) for clip, offset, *_ in content["clips"])
                    if place is not None and ((fresh and here) or intact(*place, tuple(content["shape"]), names)):
                        return Piece(*place, tuple(content["shape"]))
        except FileNotFoundError:
            pass
        path.unlink(missing_ok=True)
        raise DamagedError(sha256)

    def release(self, sha256: str) -> None:
        """Forget the samples of a track, which a shard holds now."""
        with self.path(sha256).open("r+b") as file:
            file.readline(_LONGEST_LINE)
            file.truncate()

    def sweep(self, wanted: Callable[[str], bool]) -> int:
        """Remove other keys' stores, what killed runs left, and tracks not `wanted`; how many tracks."""
        import shutil

        for other in _folders(self.root):
            if other.name != self.key:
                shutil.rmtree(other, ignore_errors=True)
        removed = 0
        for folder in _folders(self.folder / "tracks"):
            with os.scandir(folder) as entries:
                for entry in entries:
                    name, _, suffix = entry.name.partition(".")
                    if suffix != "track" or not wanted(name):
                        os.unlink(entry.path)
                        removed += suffix == "track"
        return removed


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (entry for entry in sorted(path.iterdir()) if entry.is_dir())


def _line(file: BinaryIO) -> Any:
    """The content of the first line; None where it is not what was written."""
    line = file.readline(_LONGEST_LINE)
    if line[8:9] != b" " or line[-1:] != b"\n":
        return None
    text = line[9:-1]
    return json.loads(text) if line[:8] == b"%08x" % zlib.crc32(text) else None
