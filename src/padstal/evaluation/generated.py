"""Generated samples of all models as one table with one reader of their audio."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.data.manifest import read_table

Reader = Callable[[int, int], np.ndarray]


def load_samples(folders: dict[str, Path]) -> tuple[pd.DataFrame, Reader]:
    """Samples of all models one after the other.

    Args:
        folders: Model → folder with `samples.parquet` and `audio.npy`.

    Returns:
        The table, and `read(start, stop)` which gives int16 audio [stop − start, S, C] of its rows.

    Raises:
        ValueError: Rows and sounds of a model do not correspond one to one.
    """
    tables, audio = [], []
    for model, folder in folders.items():
        table = read_table(folder / "samples.parquet").sort_values("row").reset_index(drop=True)
        pcm = np.load(folder / "audio.npy", mmap_mode="r")
        if table["row"].tolist() != list(range(len(pcm))):
            raise ValueError(f"samples of {model}: {len(table)} rows for {len(pcm)} sounds, expected one each")
        tables.append(table.assign(model=model))
        audio.append(pcm)
    firsts = np.cumsum([0, *(len(pcm) for pcm in audio)])[:-1]

    def read(start: int, stop: int) -> np.ndarray:
        parts = [pcm[max(start - first, 0) : max(stop - first, 0)] for pcm, first in zip(audio, firsts, strict=True)]
        return np.concatenate([part for part in parts if len(part)])

    return pd.concat(tables, ignore_index=True), read
