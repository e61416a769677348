"""What came of each file, kept by the file's content, so that no file is taken in twice.

    <root>/<key>/tracks/<first two digits of sha256>/<sha256>.track
    <root>/<key>/shards/<address of the tracks in it>.npy          (`shards`)

`key` is that of the form and of the code that makes clips; the store of another key is swept. A `.track` file is one
line, CRC-32 and JSON. It appears whole or not at all, and is checked when it is read, so that a damaged one
counts as missing. What depends on the machine (crashes, time-outs) is not kept.

The clips' int16 samples, which the clips' ids are digests of, lie in a bucket file (`bucket_files`) until the bucket's
shard is made of it, and in shards from then on, which share their bytes with the output where the file system has hard
links. Tracks that the sources no longer have are swept at the end of a run.
"""

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from padstal.ingest import bucket_files
from padstal.ingest.clip_samples import ClipName, ClipSamples, DamagedError
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

    def keep(
        self, sha256: str, result: Track | Rejection, clips: Sequence[np.ndarray] = (), *, bucket: str = ""
    ) -> None:
        """Store what came of a file.

        Args:
            sha256: Of the file.
            result: What came of it.
            clips: A track's, int16 [samples, channels] each.
            bucket: Names the tracks that will share a shard with it.
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
                "shape": (len(clips), *clips[0].shape),
                "bucket_file": bucket_files.append(self.shards, bucket, clips),
            }
        text = json.dumps(content, separators=(",", ":")).encode()
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))  # not synced, as bucket files
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, sha256: str, *, moved: Callable[[str], bool] = lambda sha256: True) -> Track | Rejection | None:
        """What came of a file; None where that is not known, or not readable any more.

        Args:
            sha256: Of the file.
            moved: Whether a track's samples are in a shard; where no bucket file has them.
        """
        content = self._line(sha256)
        if content is None:
            return None
        if "rejected" in content:
            return Rejection(*content["rejected"])
        if not self._bucket_file(content) and not moved(sha256):
            return None
        clips = tuple(Clip(name, offset, Measures(*measures)) for name, offset, *measures in content["clips"])
        track = {**content["track"], "repairs": tuple(content["track"]["repairs"])}
        return Track(**track, clips=clips)

    def samples(
        self, sha256: str, *, elsewhere: Callable[[str], tuple[Path, int] | None], fresh: bool = False
    ) -> ClipSamples:
        """Where the samples of all clips of a track that `read` gave lie, little-endian int16.

        Args:
            sha256: Of the file.
            elsewhere: The shard, and the byte in it, where a track's samples begin; where no bucket file has them.
            fresh: This run wrote them; others are held against the clips' ids where they are read.

        Raises:
            DamagedError: They are nowhere.
        """
        content = self._line(sha256)
        place = content and (self._bucket_file(content) or elsewhere(sha256))
        if not place:
            raise DamagedError(sha256)
        in_bucket_file = place[0].name == content["bucket_file"][0]
        names = (
            ()
            if fresh and in_bucket_file
            else (ClipName(clip, sha256, offset) for clip, offset, *_ in content["clips"])
        )
        return ClipSamples(sha256, *place, tuple(content["shape"]), tuple(names), in_bucket_file=in_bucket_file)

    def drop(self, sha256: str) -> None:
        """Forget what came of a file."""
        self.path(sha256).unlink(missing_ok=True)

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

    def _bucket_file(self, content: dict[str, Any]) -> tuple[Path, int] | None:
        """The bucket file that holds a track's samples, and the byte where they begin."""
        name, start = content["bucket_file"]
        path = self.shards / name
        return (path, start) if bucket_files.holds(path, start + 2 * int(np.prod(content["shape"]))) else None

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
