"""Generated samples of all systems as one table, with their settings and one reader of their audio."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.data.manifest import read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation.grid import check_prompts
from padstal.sampling.setting import SETTINGS, Setting, read_settings

Reader = Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Generated:
    """What all systems sampled, one after the other.

    Attributes:
        samples: One row a sample: `system`, `setting`, `prompt_id`, `prompt`, `seed`, `index`, `row`.
        settings: Setting's id → setting.
        prompts: The prompts that all systems were given.
        read: `read(start, stop)` gives int16 audio [stop − start, S, C] of rows of `samples`.
    """

    samples: pd.DataFrame
    settings: dict[str, Setting]
    prompts: pd.DataFrame
    read: Reader


def load_generated(folders: dict[str, Path]) -> Generated:
    """Read what the stage `sample` wrote.

    Args:
        folders: System → folder of its samples.

    Raises:
        ValueError: Rows and sounds of a system do not correspond one to one, a setting is of another version, or
            systems were given different prompts.
    """
    tables, audio = [], []
    settings: dict[str, Setting] = {}
    for system, folder in folders.items():
        table = read_table(folder / "samples.parquet").sort_values("row").reset_index(drop=True)
        pcm = RowFile(folder / "audio.npy")
        if table["row"].tolist() != list(range(len(pcm))):
            raise ValueError(f"samples of {system}: {len(table)} rows for {len(pcm)} sounds, expected one each")
        tables.append(table.assign(system=system))
        audio.append(pcm)
        settings |= read_settings(folder / SETTINGS)
        unknown = sorted(set(table["setting"]) - set(settings))
        if unknown:
            raise ValueError(f"samples of {system}: setting {unknown[0]} is not in {folder / SETTINGS}")
    firsts = np.cumsum([0, *(len(pcm) for pcm in audio)])[:-1]

    def read(start: int, stop: int) -> np.ndarray:
        places = [slice(max(start - first, 0), max(stop - first, 0)) for first in firsts]
        parts = [pcm[place] for pcm, place in zip(audio, places, strict=True)]
        channels = max(part.shape[2] for part in parts)  # a mono system's audio is the same in all
        return np.concatenate([np.broadcast_to(part, (*part.shape[:2], channels)) for part in parts if len(part)])

    prompts = check_prompts({system: read_table(folder / "prompts.parquet") for system, folder in folders.items()})
    return Generated(pd.concat(tables, ignore_index=True), settings, prompts, read)
