"""Clips in files of equal shape: `00000.npy`, `00001.npy`, … int16 [clips, samples, channels]."""

from pathlib import Path

import numpy as np


class ShardWriter:
    """Writes clips in the order they come; holds one shard in memory."""

    def __init__(self, folder: Path, shard_clips: int):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shard_clips = shard_clips
        self._waiting: list[np.ndarray] = []
        self._shard = 0

    def add(self, pcm_SC: np.ndarray) -> tuple[int, int]:
        """Shard and row that the clip will have."""
        place = self._shard, len(self._waiting)
        self._waiting.append(pcm_SC)
        if len(self._waiting) == self._shard_clips:
            self.flush()
        return place

    def flush(self) -> None:
        """Write the shard that is not full; call it after the last clip."""
        if self._waiting:
            np.save(self._folder / f"{self._shard:05d}.npy", np.stack(self._waiting))
            self._waiting = []
            self._shard += 1
