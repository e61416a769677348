"""Samples of two revisions to hear side by side, where the files are at hand: in the workspace or in DVC's cache."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.dvc_lock import mapping, outs_of
from padstal.core.dvc_objects import key_of, read_tree
from padstal.core.revisions import Tree
from padstal.reporting.comparison.side import Side
from padstal.reporting.inputs import SampleSet
from padstal.reporting.listen_view import columns_of
from padstal.reporting.media import mp3, playable
from padstal.sampling.setting import SETTINGS, read_settings

PROMPTS = 2
METHODS = ("none", "pads")
_FILES = ("samples.parquet", SETTINGS, "audio.npy")


@dataclass(frozen=True)
class Sound:
    """One sample as a file: `prompt` comes from outside, `file` does not."""

    prompt: str
    method: str
    side: str
    file: str
    content: bytes


def sounds(root: Path, trees: tuple[Tree, Tree], sides: tuple[Side, Side], scale: str) -> list[Sound]:
    """Samples of the first prompts that both sides share, of each system, with and without PADS.

    Both sides play their middle strength, the same seed where they have it. The base's or a past head's files come from
    DVC's cache, the workspace's are where they are; what is at neither place is left out.
    """
    played = [_sample_sets(root, tree, side, scale) for tree, side in zip(trees, sides, strict=True)]
    known = [dict.fromkeys(str(prompt) for one in sets for prompt in one.table["prompt"]) for sets in played]
    shared = [prompt for prompt in known[1] if prompt in known[0]][:PROMPTS]
    found: list[Sound] = []
    for number, prompt in enumerate(shared, 1):
        for name, side, sets in zip(("before", "now"), sides, played, strict=True):
            rate = mapping(mapping(mapping(side.params.get("scales")).get(scale)).get("ingest")).get("sample_rate")
            for one in sets:
                for column in columns_of(one):
                    table = one.table[(one.table["prompt"] == prompt) & (one.table["setting"] == column.setting.id)]
                    table = table.sort_values(["seed", "index"])
                    if column.setting.method_name in METHODS and len(table):
                        pcm_SC, playing = playable(np.asarray(one.audio_NSC[int(table.iloc[0]["row"])]), rate or 16_000)
                        file = f"{number:02d}-{len(found):02d}-{name}.mp3"
                        found.append(Sound(prompt, column.label, name, file, mp3(pcm_SC, playing)))
    return found


def _sample_sets(root: Path, tree: Tree, side: Side, scale: str) -> list[SampleSet]:
    """What the systems of one side generated, as far as it can be read here."""
    found = []
    for path, out in outs_of(side.stages).items():
        if not re.fullmatch(rf"data/{scale}/samples/\w+", path):
            continue
        files = {name: root / path / name for name in _FILES} if tree.workspace else _cached(root, out.md5)
        if all(name in files and files[name].is_file() for name in _FILES):
            try:
                settings = read_settings(files[SETTINGS])
            except ValueError:  # of another version
                continue
            table = pd.read_parquet(files["samples.parquet"])
            audio = np.load(files["audio.npy"], mmap_mode="r", allow_pickle=False)
            found.append(SampleSet(path.rpartition("/")[2], table, settings, None, audio))
    return found


def _cached(root: Path, md5: str) -> dict[str, Path]:
    """Files of a folder that DVC's cache holds under `md5`, by their paths in it."""
    cache = root / ".dvc" / "cache"
    listing = cache / key_of(md5)
    if not listing.is_file():
        return {}
    return {name: cache / key_of(own) for name, own in read_tree(listing.read_bytes())}
