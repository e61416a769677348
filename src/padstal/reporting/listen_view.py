"""What can be played: reconstructions beside their originals, and samples of one prompt and seed side by side."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from padstal.reporting.inputs import Inputs, SampleSet
from padstal.reporting.media import mp3_uri, playable, spectrogram_uri
from padstal.reporting.text import labelled, words
from padstal.sampling.setting import Setting

AUDIO_LIMIT_BYTES = 8_500_000
"""Audio that one page carries, as base64; longer clips are cut so that all fit."""

OPENING_CLIPS = 3
"""Clips that the page begins with."""


@dataclass(frozen=True)
class Source:
    """A clip before it is encoded: int16 samples [S, C] and what stands beside it."""

    label: str
    detail: str
    pcm_SC: np.ndarray
    sample_rate: int
    system: str = ""


@dataclass(frozen=True)
class Clip:
    """A clip as the page plays it."""

    label: str
    detail: str
    audio: str
    picture: str
    seconds: float
    system: str = ""


@dataclass(frozen=True)
class Row:
    """Clips that belong together, under one heading (a caption or prompt: text from outside)."""

    heading: str
    note: str
    clips: tuple[Clip, ...]


def reconstruction_rows(inputs: Inputs, shown: int) -> list[tuple[str, str, list[Source]]]:
    """(caption, note, sources) of up to `shown` held-out clips: the original, then each autoencoder's version."""
    if not inputs.reconstructions:
        return []
    rows = []
    manifest = inputs.manifest.set_index("clip_id") if inputs.manifest is not None else None
    for clip_id in list(inputs.reconstructions[0].table["clip_id"])[:shown]:
        sources = []
        caption, note = str(clip_id), ""
        if manifest is not None and clip_id in manifest.index:
            entry = manifest.loc[clip_id]
            caption = str(entry["caption"] or entry["tags"] or "no caption")
            note = " · ".join(str(entry[key]) for key in ("artist", "licence") if entry[key])
            if inputs.clip_audio is not None:
                pcm = inputs.clip_audio.pcm(int(entry["shard"]), int(entry["row"]))
                sources.append(Source("original", "held out", pcm, inputs.sample_rate))
        for found in inputs.reconstructions:
            match = found.table[found.table["clip_id"] == clip_id]
            if len(match):
                pcm = np.asarray(found.audio_KSC[int(match.iloc[0]["row"])])
                sources.append(Source(f"{words(found.codec)} codec", "reconstruction", pcm, inputs.sample_rate))
        rows.append((caption, note, sources))
    return rows


def sample_rows(
    inputs: Inputs, shown: int, chosen: Collection[tuple[str, str]] = ()
) -> list[tuple[str, str, list[Source]]]:
    """(prompt, note, sources) of up to `shown` test prompts; every column starts from the same seed.

    `chosen` holds the (system, setting's id) to play.
    """
    prompts = _prompts(inputs.samples, shown)
    columns = [(found, *column) for found in inputs.samples for column in _columns(found, chosen)]
    rows = []
    for prompt_id, prompt in prompts:
        seed = _common_seed(inputs.samples, prompt_id)
        sources = []
        for found, setting, detail in columns:
            cell = _cell(found.table, setting.id, prompt_id, seed)
            if cell is not None:
                pcm, label = np.asarray(found.audio_NSC[int(cell["row"])]), f"{found.system} · {setting.method_name}"
                sources.append(Source(labelled(label), detail, pcm, inputs.sample_rate, found.system))
        rows.append((prompt, f"seed {seed}", sources))
    return rows


def _columns(found: SampleSet, chosen: Collection[tuple[str, str]]) -> list[tuple[Setting, str]]:
    """A setting for each sweep of a system, in the grid's order, and what its label says beside the method.

    It is what is chosen, else the middle strength; without a method the grid's first one.
    """
    order = [found.settings[one] for one in found.table.sort_values("row")["setting"].unique()]
    sweeps: dict[str, list[Setting]] = {}
    for setting in order:
        sweeps.setdefault(setting.path, []).append(setting)
    columns = []
    for settings in sweeps.values():
        by_strength = sorted(settings, key=lambda one: one.strength)
        usual = settings[0] if settings[0].swept == "guidance.w" else by_strength[len(settings) // 2]
        for one in [one for one in settings if (found.system, one.id) in chosen] or [usual]:
            columns.append((one, one.label(tuple(order)).removeprefix(one.method_name).strip()))
    return columns


def encode(
    rows: Sequence[tuple[str, str, Sequence[Source]]], limit: int = AUDIO_LIMIT_BYTES
) -> tuple[list[Row], float | None]:
    """Rows ready for the page; and the seconds that each clip was cut to, or `None` if all are whole."""
    sources = [_playable(source) for _, _, row in rows for source in row]
    cut: float | None = None
    audio = [mp3_uri(source.pcm_SC, source.sample_rate) for source in sources]
    while sources and sum(map(len, audio)) > limit:
        longest = max(len(source.pcm_SC) / source.sample_rate for source in sources)
        cut = max(1.0, np.floor((cut or longest) * limit / sum(map(len, audio)) * 0.95))
        audio = [mp3_uri(source.pcm_SC[: int(cut * source.sample_rate)], source.sample_rate) for source in sources]
        if cut == 1.0:
            break
    ready = iter([_clip(source, uri, cut) for source, uri in zip(sources, audio, strict=True)])
    return [Row(heading, note, tuple(next(ready) for _ in row)) for heading, note, row in rows], cut


def _playable(source: Source) -> Source:
    pcm_SC, rate = playable(source.pcm_SC, source.sample_rate)
    return replace(source, pcm_SC=pcm_SC, sample_rate=rate)


def _clip(source: Source, uri: str, cut: float | None) -> Clip:
    pcm_SC = source.pcm_SC if cut is None else source.pcm_SC[: int(cut * source.sample_rate)]
    picture = spectrogram_uri(pcm_SC, source.sample_rate)
    return Clip(source.label, source.detail, uri, picture, len(pcm_SC) / source.sample_rate, source.system)


def opening(rows: Sequence[Row], system: str) -> Row | None:
    """What the page begins with: the first row, of it the first clips of `system` (of any, where it has none)."""
    if not rows:
        return None
    own = [clip for clip in rows[0].clips if clip.system == system]
    return replace(rows[0], clips=tuple((own or rows[0].clips)[:OPENING_CLIPS]))


def _prompts(samples: Iterable[SampleSet], shown: int) -> list[tuple[str, str]]:
    for found in samples:
        table = found.prompts if found.prompts is not None else found.table.drop_duplicates("prompt_id")
        if "role" in table and (table["role"] == "test").any():
            table = table[table["role"] == "test"]
        table = table[table["prompt_id"].isin(found.table["prompt_id"])]
        return [(row["prompt_id"], str(row["prompt"])) for _, row in table.head(shown).iterrows()]
    return []


def _common_seed(samples: Sequence[SampleSet], prompt_id: str) -> int:
    seeds = [set(found.table.loc[found.table["prompt_id"] == prompt_id, "seed"]) for found in samples]
    common = set.intersection(*seeds) if seeds else set()
    return int(min(common or set().union(*seeds) or {0}))


def _cell(table: pd.DataFrame, setting: str, prompt_id: str, seed: int) -> pd.Series | None:
    match = table[(table["prompt_id"] == prompt_id) & (table["setting"] == setting)]
    same = match[match["seed"] == seed]
    match = same if len(same) else match
    return match.sort_values(["seed", "index"], kind="stable").iloc[0] if len(match) else None
