"""The manifest: one row a clip. `clip_id` names it, and provenance and licence travel with it to the model card.

Column → meaning:
    clip_id        content address of the clip
    track_id       content address of the file it was cut from
    source         "synth", or the folder's name
    path           of the file, relative to its source
    sha256         of the file
    artist, album, title, licence, source_url    as the captions table or the source says; "" where unknown
    caption        the original caption; "" where there is none
    tags           the original tags, joined by ", "; "" where there are none
    split          "train", "validation" or "test": a function of artist (see `split_group`), seed and shares alone
    repairs        what was wrong with the file and put right, joined by "; "; "" for nothing
    offset_seconds, clip_seconds, track_seconds
    sample_rate, channels                          of the file, before standardisation
    loudness_lufs, peak_dbfs, rms_dbfs, bandwidth_hz    of the clip, after standardisation
    clipped_share  samples within 2 % of the peak, over the clip's stretch of the file as it is
    dc_offset      largest mean of a channel of the file as it is, in full scale
    side_db        the channels' difference over their sum, of the file as it is; −120 for mono, above 0 for mirrored
    shard, row     where its samples lie: shards/<shard>.npy, int16 [clips, samples, channels]

Rows are in the order of sha256, then of offset: a function of the content, whatever came first.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from padstal.core.data.row_file import RowFile

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = (
    "clip_id",
    "track_id",
    "source",
    "path",
    "sha256",
    "artist",
    "album",
    "title",
    "licence",
    "source_url",
    "caption",
    "tags",
    "split",
    "repairs",
)
NUMBER_COLUMNS = (
    "offset_seconds",
    "clip_seconds",
    "track_seconds",
    "sample_rate",
    "channels",
    "loudness_lufs",
    "peak_dbfs",
    "rms_dbfs",
    "clipped_share",
    "bandwidth_hz",
    "dc_offset",
    "side_db",
    "shard",
    "row",
)
COLUMNS = TEXT_COLUMNS + NUMBER_COLUMNS
INTEGER_COLUMNS = ("sample_rate", "channels", "shard", "row")
SPLITS = ("train", "validation", "test")


def split_group(artist: str, album: str, track_id: str) -> str:
    """What a clip's split follows: its artist; of unknown artists the album; where that is unknown too, the track."""
    return artist.casefold() or (f"album {album.casefold()}" if album else track_id)


def split_of(group: str, shares: Mapping[str, float], seed: int) -> str:
    """The split of everything that belongs to `group` (see `split_group`).

    A hash of the group decides, so a new track never moves an old one.
    """
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    edge = 0.0
    for name, share in shares.items():
        edge += share
        if position < edge:
            return name
    return name


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """`table` as Parquet whose bytes depend on its content alone (no index, no writer's metadata)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd")


def read_table(path: Path) -> "pd.DataFrame":
    """A Parquet table; text columns as Python strings.

    Raises:
        FileNotFoundError: Names the table.
    """
    import pandas as pd

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such table; has the stage that writes it run?")
    return pd.read_parquet(path)


class ClipAudio:
    """Samples of clips, read from the shards beside a manifest without loading them whole."""

    MOST_OPEN = 4096
    """Shards mapped at a time; the kernel bounds the maps of a process."""

    def __init__(self, ingest_folder: Path):
        self._folder = ingest_folder / "shards"
        self._open: dict[int, RowFile] = {}

    def pcm(self, shard: int, row: int) -> np.ndarray:
        """int16 samples [S, C] of one clip."""
        if shard not in self._open:
            if len(self._open) == self.MOST_OPEN:
                self._open.pop(next(iter(self._open)))
            self._open[shard] = RowFile(self._folder / f"{shard:05d}.npy")
        return self._open[shard][row]

    def form(self, rows: "pd.DataFrame") -> tuple[int, int, int]:
        """Samples, channels and sample rate (Hz) of a clip, by the first of the manifest rows; all clips have these."""
        first = rows.iloc[0]
        samples, channels = self.pcm(int(first["shard"]), int(first["row"])).shape
        return samples, channels, round(samples / float(first["clip_seconds"]))

    def float_BCS(self, rows: "pd.DataFrame") -> np.ndarray:
        """float32 audio [B, C, S] in [−1, 1) of the manifest rows `rows`, in their order."""
        clips = [self.pcm(int(shard), int(row)).T for shard, row in zip(rows["shard"], rows["row"], strict=True)]
        return np.stack(clips).astype(np.float32) / 32768.0

    def mono_BS(self, rows: "pd.DataFrame") -> np.ndarray:
        """float32 mono audio [B, S], the mean of the channels."""
        return self.float_BCS(rows).mean(axis=1)
