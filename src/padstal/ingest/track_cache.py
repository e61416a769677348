"""What came of each file, kept by the file's content, so that no file is taken in twice.

    <root>/<key>/tracks/<first two digits of sha256>/<sha256>.track
    <root>/<key>/tracks/<first two digits of sha256>/<sha256>.samples
    <root>/<key>/shards/<address of the tracks in it>.npy          (`shards`)

`key` is that of the form and of the code that makes clips; the store of another key is swept. A `.track` file is one
line, CRC-32 and JSON. It appears whole or not at all, and is checked when it is read, so that a damaged one
counts as missing. What depends on the machine (crashes, time-outs) is not kept.

The clips' int16 samples, which the clips' ids are digests of, lie in a file beside it until the shard is made, and in
shards from then on, which share their bytes with the output where the file system has hard links. Tracks that the
sources no longer have are swept at the end of a run.
"""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from padstal.core.data.content import bytes_of
from padstal.ingest.measure import Measures


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


@dataclass(frozen=True)
class TrackCache:
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
        return self.root.joinpath(self.key, "shards")

    def path(self, sha256: str) -> Path:
        return self.root.joinpath(self.key, "tracks", sha256[:2], f"{sha256}.track")

    def keep(self, sha256: str, result: Track | Rejection, clips: Sequence[np.ndarray] = ()) -> None:
        """Store what came of a file.

        Args:
            sha256: Of the file.
            result: What came of it.
            clips: A track's, int16 [samples, channels] each.
        """
        content: dict[str, Any]
        if isinstance(result, Rejection):
            content = {"sha256": sha256, "rejected": [result.reason, result.detail]}
        else:
            assert len(clips) == len(result.clips)
            content = {
                "sha256": sha256,
                "track": {name: value for name, value in vars(result).items() if name != "clips"},
                "clips": [[c.clip_id, c.offset_samples, *vars(c.measures).values()] for c in result.clips],
            }
            _write(self.samples(sha256), map(bytes_of, clips))
        text = json.dumps(content, separators=(",", ":")).encode()
        _write(self.path(sha256), [b"%08x %s\n" % (zlib.crc32(text), text)])

    def read(self, sha256: str, *, moved: Callable[[str], bool] = lambda sha256: True) -> Track | Rejection | None:
        """What came of a file; None where that is not known, or not readable any more.

        Args:
            sha256: Of the file.
            moved: Whether a track's samples are in a shard; where no file of their own has them.
        """
        content = self._line(sha256)
        if content is None:
            return None
        if "rejected" in content:
            return Rejection(*content["rejected"])
        if not self.samples(sha256).exists() and not moved(sha256):
            return None
        clips = tuple(Clip(name, offset, Measures(*measures)) for name, offset, *measures in content["clips"])
        track = {**content["track"], "repairs": tuple(content["track"]["repairs"])}
        return Track(**track, clips=clips)

    def samples(self, sha256: str) -> Path:
        """The file of a track's samples until they are in a shard."""
        return self.path(sha256).with_suffix(".samples")

    def moved(self, sha256: str) -> None:
        """The track's samples are in a shard now."""
        self.samples(sha256).unlink(missing_ok=True)

    def drop(self, sha256: str) -> None:
        """Forget what came of a file."""
        self.path(sha256).unlink(missing_ok=True)
        self.moved(sha256)

    def _line(self, sha256: str) -> Any:
        """The content of an entry; None where it is not what was written."""
        try:
            line = self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        text = line[9:-1]
        if line[8:9] != b" " or line[-1:] != b"\n" or line[:8] != b"%08x" % zlib.crc32(text):
            return None
        content = json.loads(text)
        return content if content["sha256"] == sha256 else None

    def sweep(self, wanted: Callable[[str], bool]) -> int:
        """Remove other keys' stores, what killed runs left, and tracks not `wanted`; how many tracks."""
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


def _write(path: Path, blocks: Iterable[bytes | memoryview]) -> None:
    """A file that is whole or not there; not synced, so what a power failure tears is seen when it is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.writelines(blocks)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (entry for entry in sorted(path.iterdir()) if entry.is_dir())
