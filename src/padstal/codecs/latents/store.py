"""Latents on disk: one array of posterior means and standard deviations, and an index beside it.

Shape suffixes: N clips, B batch, D latent channels; latents are [D, …] of any shape.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.manifest import read_table, write_table
from padstal.core.data.row_file import RowFile

INDEX_COLUMNS = ("clip_id", "split", "caption", "row")


@dataclass(frozen=True)
class LatentConfig:
    """What an array of latents is.

    Attributes:
        codec: Its name.
        fingerprint: SHA-256 of its `model.safetensors`.
        sample_rate: Of the audio, Hz.
        channels: Of the audio.
        ratio: Samples of one latent frame.
        samples: Of a clip, at `sample_rate`.
        shape: Of a clip's latent: (D, T) or (D, T, F).
        channel_groups: Name → [start, stop) of each group of latent channels, in order.
        clip_rate: Of the clips that were encoded, Hz; 0 for the codec's own. What is decoded is brought to it.
    """

    codec: str
    fingerprint: str
    sample_rate: int
    channels: int
    ratio: int
    samples: int
    shape: tuple[int, ...]
    channel_groups: dict[str, tuple[int, int]]
    clip_rate: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "clip_rate", self.clip_rate or self.sample_rate)
        groups = dict(sorted(self.channel_groups.items(), key=lambda group: group[1]))  # JSON keeps them by name
        object.__setattr__(self, "channel_groups", groups)
        position = 0
        for name, (start, stop) in groups.items():
            if start != position or stop <= start:
                raise ValueError(f"channel group {name!r} = [{start}, {stop}): expected it to start at {position}")
            position = stop
        if position != self.latent_channels:
            raise ValueError(f"channel groups end at {position}: expected the {self.latent_channels} of {self.shape}")

    @property
    def clip_samples(self) -> int:
        """Of a clip, at `clip_rate`."""
        return round(self.samples * self.clip_rate / self.sample_rate)

    @property
    def latent_channels(self) -> int:
        """D."""
        return self.shape[0]

    def cropped(self, frames: int | None) -> "LatentConfig":
        """Of crops of so many latent frames; None for whole clips.

        Raises:
            ValueError: The clips are shorter.
        """
        D, T, *rest = self.shape
        if frames is None or frames == T:
            return self
        if frames > T:
            raise ValueError(f"crop_frames = {frames}: the clips of {self.codec} have {T} latent frames")
        return replace(self, samples=frames * self.ratio, shape=(D, frames, *rest))


def write_store(
    folder: Path,
    index: pd.DataFrame,
    config: LatentConfig,
    posteriors: Iterable[tuple[np.ndarray, np.ndarray]],
) -> None:
    """Write `latents.npy` (float16 [N, 2D, …], mean then standard deviation), `index.parquet` and `config.json`.

    Args:
        folder: An existing folder to fill.
        index: `clip_id`, `split` and `caption`, one row a clip, in the order of `posteriors`; `row` is added.
        config: What the latents are.
        posteriors: Batches of mean and standard deviation, each [B, D, …].

    Raises:
        ValueError: `posteriors` holds another number of clips than `index`, another shape than `config` says, or values
            that float16 cannot hold.
    """
    D, *rest = config.shape
    both_shape = (2 * D, *rest)
    array = RowFile.create(folder / "latents.npy", (len(index), *both_shape), np.float16)
    row = 0
    for mean_BD, std_BD in posteriors:
        both = np.concatenate([mean_BD, std_BD], axis=1)
        if both.shape[1:] != both_shape or row + len(both) > len(index):
            raise ValueError(f"latents {both.shape} at row {row}: expected {len(index)} clips of shape {both_shape}")
        if not np.isfinite(both.astype(np.float16)).all():
            raise ValueError(f"latents from row {row}: not finite in float16, the largest is {np.abs(both).max()}")
        array[row : row + len(both)] = both
        row += len(both)
    if row != len(index):
        raise ValueError(f"{row} latents for {len(index)} clips")
    columns: Mapping[str, Any] = {"row": np.arange(len(index), dtype=np.int64)}
    write_table(index.reset_index(drop=True).assign(**columns)[list(INDEX_COLUMNS)], folder / "index.parquet")
    write_json(folder / "config.json", asdict(config))


@dataclass(frozen=True)
class LatentStore:
    """Latents of all clips, opened for reading.

    Attributes:
        latents_NE: On disk, float16 [N, E = 2D, …]: means, then standard deviations.
        index: `clip_id`, `split`, `caption`, `row`; row i describes `latents_NE[i]`.
        config: What the latents are.
    """

    latents_NE: RowFile
    index: pd.DataFrame
    config: LatentConfig

    @classmethod
    def open(cls, folder: Path) -> "LatentStore":
        """Open what `write_store` wrote.

        Raises:
            FileNotFoundError: The index is missing.
            ValueError: Index and array do not fit.
        """
        index = read_table(folder / "index.parquet")
        config = TypeAdapter(LatentConfig).validate_python(read_json(folder / "config.json"))
        latents = RowFile(folder / "latents.npy")
        if len(latents) != len(index):
            raise ValueError(f"{folder}: {len(latents)} latents but {len(index)} rows in the index")
        return cls(latents, index, config)

    def posterior(
        self, rows: np.ndarray, first_B: np.ndarray | None = None, frames: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, float32 [B, D, …] each, of `rows`, in their order; or crops of `frames` frames
        from frame `first_B` of each."""
        if first_B is None:
            both = self.latents_NE[rows].astype(np.float32)
        else:
            crops = [self.latents_NE[row, :, at : at + frames] for row, at in zip(rows, first_B, strict=True)]
            both = np.stack(crops).astype(np.float32)
        D = self.config.latent_channels
        return both[:, :D], both[:, D:]

    def only(self, split: str) -> "LatentStore":
        """The clips of one split; the array stays whole, the index keeps each clip's own `row`.

        Raises:
            ValueError: The split is empty.
        """
        kept = self.index[self.index["split"] == split].reset_index(drop=True)
        if kept.empty:
            raise ValueError(f"split {split!r} holds no latent; splits here: {sorted(set(self.index['split']))}")
        return replace(self, index=kept)
