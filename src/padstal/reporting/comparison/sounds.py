"""Samples of two revisions to hear side by side, where the files are at hand: in the workspace or in DVC's cache."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.dvc_lock import OID, outs_of
from padstal.reporting.comparison.side import Side, mapping
from padstal.reporting.inputs import SampleSet
from padstal.reporting.listen_view import columns_of
from padstal.reporting.media import mp3, playable
from padstal.sampling.setting import SETTINGS, read_settings

_FILES = ("samples.parquet", SETTINGS, "audio.npy")


@dataclass(frozen=True)
class Sound:
    """One sample as a file: `prompt` comes from outside, `file` does not."""

    prompt: str
    method: str
    side: str
    file: str
    content: bytes


def sample_sets(side: Side, scale: str, cache: Path, workspace: Path | None) -> list[SampleSet]:
    """What the systems of one side generated, as far as it can be read here.

    Args:
        cache: DVC's cache of files (`.dvc/cache/files/md5`).
        workspace: The repository's root if the side is the workspace.
    """
    found = []
    for path, md5 in _outs(side, f"data/{scale}/samples/"):
        files = {name: workspace / path / name for name in _FILES} if workspace else cached(cache, md5)
        if all(name in files and files[name].is_file() for name in _FILES):
            try:
                settings = read_settings(files[SETTINGS])
            except ValueError:  # of another version
                continue
            table = pd.read_parquet(files["samples.parquet"])
            audio = np.load(files["audio.npy"], mmap_mode="r", allow_pickle=False)
            found.append(SampleSet(path.rpartition("/")[2], table, settings, None, audio))
    return found


def cached(cache: Path, md5: str) -> dict[str, Path]:
    """Files of a folder that DVC's cache holds under `md5`, by their paths in it."""
    listing = _object(cache, md5)
    if listing is None or not listing.is_file():
        return {}
    entries = json.loads(listing.read_text(encoding="utf-8"))
    found = {str(entry["relpath"]): _object(cache, str(entry["md5"])) for entry in entries}
    return {name: file for name, file in found.items() if file is not None}


def sounds(
    base: Sequence[SampleSet],
    head: Sequence[SampleSet],
    sample_rates: tuple[int, int],
    prompts: int = 2,
    methods: Sequence[str] = ("none", "pads"),
) -> list[Sound]:
    """Samples of the first `prompts` prompts that both sides share, of each system and method.

    Both sides play their middle strength, the same seed where they have it.
    """
    shared = [prompt for prompt in _prompts(head) if prompt in set(_prompts(base))][:prompts]
    found: list[Sound] = []
    for number, prompt in enumerate(shared, 1):
        for name, sets, rate in (("before", base, sample_rates[0]), ("now", head, sample_rates[1])):
            for one in sets:
                for column in columns_of(one):
                    table = one.table[(one.table["prompt"] == prompt) & (one.table["setting"] == column.setting.id)]
                    table = table.sort_values(["seed", "index"])
                    if column.setting.method_name in methods and len(table):
                        pcm_SC, playing = playable(np.asarray(one.audio_NSC[int(table.iloc[0]["row"])]), rate)
                        file = f"{number:02d}-{len(found):02d}-{name}.mp3"
                        found.append(Sound(prompt, column.label, name, file, mp3(pcm_SC, playing)))
    return found


def _outs(side: Side, folder: str) -> list[tuple[str, str]]:
    named = outs_of(side.stages).items()
    return [(path, out.md5) for path, out in named if re.fullmatch(rf"{re.escape(folder)}\w+", path)]


def _object(cache: Path, md5: str) -> Path | None:
    return cache / md5[:2] / md5[2:] if OID.fullmatch(md5) else None


def _prompts(sets: Sequence[SampleSet]) -> list[str]:
    return list(dict.fromkeys(str(prompt) for one in sets for prompt in one.table["prompt"]))


def sample_rate(side: Side, scale: str) -> int:
    """Sample rate of what a side generated, in Hz, as its params have it."""
    found: Any = mapping(mapping(mapping(side.params.get("scales")).get(scale)).get("ingest")).get("sample_rate")
    return found if isinstance(found, int) and 1_000 <= found <= 200_000 else 16_000
