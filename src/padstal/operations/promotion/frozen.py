"""Frozen prompts: the texts, seeds and reference posteriors that all champions and challengers are judged on.

Written once from the test split and kept in git; with other prompts, figures of earlier decisions would not compare.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.core.paths import Paths
from padstal.evaluation.clips import listen
from padstal.evaluation.hear import Ears
from padstal.evaluation.judged import Prompts

FORMAT = "padstal-frozen-prompts-2"


@dataclass(frozen=True)
class Prompt:
    """One prompt.

    Attributes:
        prompt_id: Its name.
        prompt: The text.
        clip_id: The held-out clip that the text describes; it may have left the data since.
        genre: The tagger's word for what the text asks for.
        posterior: Genre → what the tagger heard in the clip.
        seconds_start, seconds_total: Where in its track the clip lay, in seconds.
    """

    prompt_id: str
    prompt: str
    clip_id: str
    genre: str
    posterior: Mapping[str, float]
    seconds_start: float
    seconds_total: float


@dataclass(frozen=True)
class FrozenPrompts:
    """All of them, and the seeds that each is sampled with."""

    scale: str
    seeds: tuple[int, ...]
    samples_per_seed: int
    prompts: tuple[Prompt, ...]

    @property
    def samples(self) -> int:
        """Samples of a prompt."""
        return len(self.seeds) * self.samples_per_seed

    def judged_by(self, ears: Ears) -> Prompts:
        """The prompts as metrics need them.

        Raises:
            ValueError: The tagger knows other words than they were frozen with.
        """
        genres = tuple(ears.tagger.genres)
        known = self.prompts[0].posterior
        if set(genres) != set(known):
            raise ValueError(
                f"the tagger knows {', '.join(sorted(genres))}; the frozen prompts were made with "
                f"{', '.join(sorted(known))}: freeze prompts again (earlier decisions will not compare)"
            )
        posterior_PG = np.array([[one.posterior[genre] for genre in genres] for one in self.prompts])
        genre_P = np.array([genres.index(one.genre) for one in self.prompts], dtype=np.int64)
        return Prompts(ears.clap.embed_text([one.prompt for one in self.prompts]), genre_P, posterior_PG)


def freeze(
    paths: Paths,
    dataset: pd.DataFrame,
    prompts: pd.DataFrame,
    ears: Ears,
    rate: int,
    batch: int,
    seeds: tuple[int, ...],
    samples_per_seed: int,
) -> FrozenPrompts:
    """Frozen prompts of rows of `choose_prompts`, with what the tagger hears in their clips."""
    table = dataset[dataset["clip_id"].isin(set(prompts["clip_id"]))].reset_index(drop=True)
    genres = tuple(ears.tagger.genres)
    found = listen(paths.ingest, table, rate, ears, batch).prompts(prompts, ears.clap, genres)
    chosen = tuple(
        Prompt(
            prompt_id=row.prompt_id,
            prompt=row.prompt,
            clip_id=row.clip_id,
            genre=genres[genre],
            posterior=dict(zip(genres, posterior_G.tolist(), strict=True)),
            seconds_start=float(row.seconds_start),
            seconds_total=float(row.seconds_total),
        )
        for row, genre, posterior_G in zip(prompts.itertuples(), found.genre_P, found.reference_PG, strict=True)
    )
    return FrozenPrompts(paths.scale, seeds, samples_per_seed, chosen)


def write(path: Path, frozen: FrozenPrompts) -> None:
    """Keep frozen prompts."""
    write_json(path, {"format": FORMAT, **asdict(frozen)})


def read(path: Path) -> tuple[FrozenPrompts, str]:
    """Frozen prompts, and the SHA-256 of their file.

    Raises:
        FileNotFoundError: There are none.
        ValueError: The file is something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there are no frozen prompts yet; `padstal freeze-prompts` writes them")
    raw = read_json(path)
    try:
        if raw["format"] != FORMAT:
            raise ValueError(f"expected format {FORMAT}")
        return TypeAdapter(FrozenPrompts).validate_python(raw), sha256_file(path)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no frozen prompts of this version ({error})") from None
