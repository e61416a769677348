"""Frozen prompts: the texts, seeds and reference posteriors that all champions and challengers are judged on.

Written once from the test split and kept in git; with other prompts, figures of earlier decisions would not compare.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file

FORMAT = "padstal-frozen-prompts-1"


@dataclass(frozen=True)
class Prompt:
    """One prompt.

    Attributes:
        prompt_id: Its name.
        prompt: The text.
        clip_id: The held-out clip that the text describes; it may have left the data since.
        genre: The tagger's word for what the text asks for.
        posterior: What the tagger heard in the clip, over the words of `FrozenPrompts.genres`.
        seconds_start, seconds_total: Where in its track the clip lay, in seconds.
    """

    prompt_id: str
    prompt: str
    clip_id: str
    genre: str
    posterior: tuple[float, ...]
    seconds_start: float
    seconds_total: float


@dataclass(frozen=True)
class FrozenPrompts:
    """All of them, and the seeds that each is sampled with."""

    scale: str
    genres: tuple[str, ...]
    seeds: tuple[int, ...]
    samples_per_seed: int
    prompts: tuple[Prompt, ...]

    @property
    def samples(self) -> int:
        """Samples of a prompt."""
        return len(self.seeds) * self.samples_per_seed

    @property
    def texts(self) -> list[str]:
        return [prompt.prompt for prompt in self.prompts]

    def genre_of(self, genres: tuple[str, ...]) -> np.ndarray:
        """Index [P] of each prompt's genre among a tagger's words, which must be those of the file."""
        return np.array([genres.index(prompt.genre) for prompt in self.prompts], dtype=np.int64)

    def posteriors(self, genres: tuple[str, ...]) -> np.ndarray:
        """Reference posteriors [P, G] in the order of a tagger's words.

        Raises:
            ValueError: The tagger knows other words than the file.
        """
        if set(genres) != set(self.genres):
            raise ValueError(
                f"the tagger knows {', '.join(sorted(genres))}; the frozen prompts were made with "
                f"{', '.join(sorted(self.genres))}: freeze prompts again (earlier decisions will not compare)"
            )
        place = [self.genres.index(genre) for genre in genres]
        return np.array([prompt.posterior for prompt in self.prompts], dtype=np.float64)[:, place]


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
