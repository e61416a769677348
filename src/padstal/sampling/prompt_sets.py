"""Published prompt sets as the test prompts: MusicCaps, Song Describer, and MeLBench as PADS-TAL's authors share it.

    kind             table                     a row's music                        licence of the texts
    musiccaps        musiccaps-public.csv      10 s of a YouTube video              CC BY-SA 4.0
    song_describer   song_describer.csv, or    a track of MTG-Jamendo               CC BY-SA 4.0
                     baseline_songdesc_tags.csv (with tags)
    melbench         baseline_melbench.csv     45 s of a YouTube video; tags only   MIT, as their repository

A prompt's own clip is a clip of the test split whose file is named as these datasets name their audio. A prompt whose
audio is in another split is left out: the model may have heard it. Prompts without a clip have no KL.
"""

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from padstal.foundation.fetch import verify
from padstal.sampling.config import PromptSet, SampleParams
from padstal.sampling.grid import choose_prompts


@dataclass(frozen=True)
class Layout:
    """How a set is published.

    Attributes:
        licence: Of the texts.
        key: Column that names a row's audio.
        audio: Pattern of a file's path, whose group is that name.
        marked: Column that is True for the part that papers evaluate on; "" for none.
        seconds: Columns whose difference, or whose only value, is how long the music is.
    """

    licence: str
    key: str
    audio: str
    marked: str
    seconds: tuple[str, ...]


TEXTS = {"caption": "caption", "tags": "aspect_list"}
"""What is said → its column."""
LAYOUTS = {
    "musiccaps": Layout(
        "CC-BY-SA-4.0", "ytid", r"(?:.*/)?Y?([\w-]{11})(?:[_-]\d.*)?\.\w+", "is_audioset_eval", ("start_s", "end_s")
    ),
    "song_describer": Layout(
        "CC-BY-SA-4.0", "path", r"(?:.*/)?(\d\d/\d+)(?:\.low|\.2min)?\.\w+", "is_valid_subset", ("duration",)
    ),
    "melbench": Layout("MIT", "original_filename", r"(?:.*/)?([^/]+)\.\w+", "", ("start_s", "end_s")),
}


def prompts_of(params: SampleParams, dataset: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Prompts to tune on and to report on, and what a report says of the set that the latter come from.

    Raises:
        FileNotFoundError, UntrustedFileError, ValueError: See `read_prompts`.
    """
    published, seed = params.test_prompts, params.prompt_seed
    if not isinstance(published, PromptSet):
        return choose_prompts(dataset, {"tune": params.tune_prompts, "test": published}, seed), {}
    asked = read_prompts(published, dataset, seed)
    to_tune = choose_prompts(dataset, {"tune": params.tune_prompts, "test": 0}, seed)
    about = {
        "kind": published.kind,
        "licence": LAYOUTS[published.kind].licence,
        "sha256": published.sha256,
        "with_clip": int((asked["clip_id"] != "").sum()),
    }
    return pd.concat([to_tune, asked], ignore_index=True), {"prompt_set": about}


def read_prompts(published: PromptSet, dataset: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Prompts of role "test" as `grid.choose_prompts` gives them; `clip_id` is "" where no held-out clip is the row's.

    Args:
        published: Which set, and how many prompts; a hash of text and seed orders them.
        dataset: Curated clips.
        seed: Of the choice.

    Raises:
        FileNotFoundError: There is no such table.
        UntrustedFileError: It is another than the pinned one.
        ValueError: A column is missing, a row cannot be read, or no prompt is left.
    """
    path, layout = Path(published.path), LAYOUTS[published.kind]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; sample.test_prompts asks for the published table of {published.kind}"
        )
    verify(path, published.sha256)
    text = TEXTS[published.text]
    marked = [layout.marked] if published.marked_only else []
    if marked == [""]:
        raise ValueError(f"marked_only: {published.kind} marks no rows; expected false")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    wanted = (text, layout.key, *layout.seconds, *marked)
    absent = [name for name in wanted if name not in table]
    if absent:
        raise ValueError(f"{path}: no column {', '.join(absent)} for {published.kind}; it has {', '.join(table)}")
    for name in marked:
        table = table[table[name].str.lower() == "true"]
    found = pd.DataFrame({"prompt": _texts(table[text], path, published.text), "key": _keys(table[layout.key])})
    found["seconds_total"] = _seconds(table[list(layout.seconds)], path)
    clips = _clips(dataset, layout.audio)
    found["split"] = [clips.get(key, ("", ""))[0] for key in found["key"]]
    found["clip_id"] = [clips.get(key, ("", ""))[1] for key in found["key"]]
    found["lot"] = [hashlib.sha256(f"{seed}:{prompt}".encode()).hexdigest() for prompt in found["prompt"]]
    known = found[(found["prompt"] != "") & found["split"].isin(("", "test"))].drop_duplicates("prompt")
    chosen = known.sort_values("lot").head(published.prompts).reset_index(drop=True)
    if chosen.empty:
        raise ValueError(f"{path}: no prompt is left of {len(found)} rows; the others' audio is in the training data")
    names = [f"test_{number:03d}" for number in range(len(chosen))]
    told = chosen.assign(prompt_id=names, role="test", seconds_start=0.0)
    return told[["prompt_id", "prompt", "clip_id", "role", "seconds_start", "seconds_total"]]


def _texts(column: pd.Series, path: Path, kind: str) -> list[str]:
    """Captions as they are, lists of tags joined by ", " as PADS-TAL has them."""
    if kind == "caption":
        return [" ".join(text.split()) for text in column]
    try:
        return [", ".join(map(str, _listed(text))) for text in column]
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{path}: {column.name}: {error}") from None


def _listed(text: str) -> list[object]:
    items = ast.literal_eval(text) if text else []
    if not isinstance(items, list):
        raise ValueError(f"{text[:60]!r}: expected a list such as ['jazz', '90 bpm']")
    return items


def _keys(column: pd.Series) -> list[str]:
    return [name.removesuffix(".mp3") for name in column]


def _seconds(columns: pd.DataFrame, path: Path) -> list[float]:
    numbers = columns.apply(pd.to_numeric, errors="coerce")
    length = numbers.iloc[:, -1] - (numbers.iloc[:, 0] if numbers.shape[1] > 1 else 0.0)
    wrong = ~(length > 0)
    if wrong.any():
        row = columns[wrong].iloc[0].to_dict()
        raise ValueError(f"{path}: {row}: expected seconds, more than 0")
    return [float(value) for value in length]


def _clips(dataset: pd.DataFrame, pattern: str) -> Mapping[str, tuple[str, str]]:
    """Name of audio → split and id of its first clip."""
    ordered = dataset.sort_values(["offset_seconds", "clip_id"], ascending=False, kind="stable")
    names = ordered["path"].str.extract(rf"^{pattern}$")[0]
    return {
        str(name): (str(split), str(clip_id))
        for name, split, clip_id in zip(names, ordered["split"], ordered["clip_id"], strict=True)
        if isinstance(name, str)
    }
