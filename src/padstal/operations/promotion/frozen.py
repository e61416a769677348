"""Frozen prompts: the texts and seeds that all champions and challengers are judged on.

Written once from the test split and kept in git; with other prompts, figures of earlier decisions would not compare.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file

FORMAT = "padstal-frozen-prompts-2"


@dataclass(frozen=True)
class Prompt:
    """One prompt.

    Attributes:
        prompt_id: Its name.
        prompt: The text.
        clip_id: The held-out clip that the text describes.
        seconds_start, seconds_total: Where in its track the clip lies, in seconds.
    """

    prompt_id: str
    prompt: str
    clip_id: str
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

    @property
    def table(self) -> pd.DataFrame:
        """A row a prompt."""
        return pd.DataFrame([asdict(one) for one in self.prompts])

    def of(self, clip_ids: Collection[str]) -> "FrozenPrompts":
        """The prompts whose clips are among these."""
        return replace(self, prompts=tuple(one for one in self.prompts if one.clip_id in clip_ids))


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
