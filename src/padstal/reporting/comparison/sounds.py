"""Samples of two revisions to hear side by side, where the files are at hand: in the workspace or in DVC's cache."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import mapping, outs_of
from padstal.core.dvc_objects import key_of, read_tree
from padstal.core.revisions import Tree
from padstal.reporting.comparison.side import Side
from padstal.reporting.inputs import Inputs, sample_set
from padstal.reporting.listen_view import Source, sample_rows
from padstal.reporting.media import mp3, playable
from padstal.reporting.text import words

PROMPTS, SEARCHED = 2, 50
METHODS = frozenset(map(words, ("none", "pads")))


@dataclass(frozen=True)
class Pair:
    """What a method made of a prompt: `sides` are MP3 files, "before" and "now", as far as there are any."""

    prompt: str
    method: str
    sides: dict[str, bytes]


def sounds(root: Path, trees: tuple[Tree, Tree], sides: tuple[Side, Side], scale: str) -> list[Pair]:
    """Samples of the first prompts that both sides share, of each system, with and without PADS.

    Both sides play their middle strength, the same seed where they have it. The base's or a past head's files come from
    DVC's cache, the workspace's are where they are; what is at neither place is left out.
    """
    before, now = (_played(root, tree, side, scale) for tree, side in zip(trees, sides, strict=True))
    found = []
    for prompt in [prompt for prompt in now if prompt in before][:PROMPTS]:
        methods: dict[str, dict[str, bytes]] = {}
        for name, sources in (("before", before[prompt]), ("now", now[prompt])):
            for source in sources:
                if source.label.rpartition(" · ")[2] in METHODS:
                    methods.setdefault(source.label, {})[name] = mp3(*playable(source.pcm_SC, source.sample_rate))
        found += [Pair(prompt, method, heard) for method, heard in methods.items()]
    return found


def _played(root: Path, tree: Tree, side: Side, scale: str) -> dict[str, list[Source]]:
    """Prompt → what the systems of one side made of it, as far as it can be read here."""
    samples = []
    for path, out in outs_of(side.stages).items():
        if not re.fullmatch(rf"data/{scale}/samples/\w+", path):
            continue
        folder = {file.name: file for file in (root / path).glob("*")} if tree.workspace else _cached(root, out.md5)
        with suppress(ValueError):  # of another version
            samples.append(sample_set(path.rpartition("/")[2], folder))
    params = mapping(mapping(side.params.get("scales")).get(scale))
    inputs = Inputs(scale, params, {}, {}, samples=tuple(one for one in samples if one))
    return {prompt: sources for prompt, _, sources in sample_rows(inputs, SEARCHED)}


def _cached(root: Path, md5: str) -> dict[str, Path]:
    """Files of a folder that DVC's cache holds under `md5`, by their paths in it."""
    cache = root / ".dvc" / "cache"
    listing = cache / key_of(md5)
    if not listing.is_file():
        return {}
    return {name: cache / key_of(own) for name, own in read_tree(listing.read_bytes())}
