"""All settings of the grid sampled by one system, written down: audio, a row a sample, prompts, and the settings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import write_table
from padstal.core.data.row_file import RowFile
from padstal.core.progress import Progress
from padstal.sampling.batching import Batch, batches
from padstal.sampling.files import to_pcm
from padstal.sampling.generate import Precision, generate_batches
from padstal.sampling.setting import SETTINGS, Setting
from padstal.sampling.system import System


def write_grid(
    folder: Path,
    system: System,
    prompts: pd.DataFrame,
    wanted: pd.DataFrame,
    settings: Sequence[Setting],
    *,
    batch: int,
    precision: Precision,
    progress: Progress,
) -> dict[str, Any]:
    """Fill `folder` with `audio.npy`, `samples.parquet`, `prompts.parquet` and `settings.json`; gives metrics.

    Args:
        folder: Existing.
        system: What samples.
        prompts: From `choose_prompts`.
        wanted: Samples of each setting, from `requests`.
        settings: The cells.
        batch: Samples of every call of a model.
        precision: Arithmetic of the denoisers.
        progress: Wraps the numbers of all batches.
    """
    texts, seeds, indices = (wanted[name].tolist() for name in ("prompt", "seed", "index"))
    calls = sum(len(batches(texts, seeds, indices, batch, couples=one.method.couples)) for one in settings)
    ticks = iter(progress(range(calls), total=calls, unit="batch"))
    shape = (len(settings) * len(wanted), system.samples, system.channels)
    audio = RowFile.create(folder / "audio.npy", shape, np.int16)
    tables, clipped = [], 0
    for number, setting in enumerate(settings):
        first = number * len(wanted)
        for rows, sound_BCS in generate_batches(
            system,
            texts,
            seeds,
            setting,
            batch=batch,
            precision=precision,
            indices=indices,
            attributes={name: wanted[name].tolist() for name in ("seconds_start", "seconds_total")},
            progress=lambda parts: _ticked(parts, ticks),
        ):
            clipped += int((np.abs(sound_BCS) > 1).sum())
            audio[first + np.array(rows)] = to_pcm(sound_BCS)
        table = wanted[["prompt_id", "prompt", "seed", "index"]].assign(row=np.arange(first, first + len(wanted)))
        tables.append(table.assign(system=system.name, setting=setting.id))
    next(ticks, None)
    write_table(pd.concat(tables, ignore_index=True), folder / "samples.parquet")
    write_table(prompts, folder / "prompts.parquet")
    write_json(folder / SETTINGS, {setting.id: setting.model_dump(mode="json") for setting in settings})
    return {
        "samples": len(audio),
        "settings": len(settings),
        "prompts": len(prompts),
        "clipped_share": clipped / np.prod(shape),
        **system.scales(prompts["prompt"].tolist()),
    }


def _ticked(parts: Sequence[Batch], ticks: Iterable[int]) -> Iterable[Batch]:
    return (part for part, _ in zip(parts, ticks, strict=False))
