"""Frozen prompts: the texts and seeds that all champions and challengers are judged on.

Written once from the test split and kept in git; with other prompts, figures of earlier decisions would not compare.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from padstal.core.data.atomic import write_json
from padstal.core.data.content import sha256_file


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
    format: Literal["padstal-frozen-prompts-2"] = "padstal-frozen-prompts-2"

    @property
    def samples(self) -> int:
        """Samples of a prompt."""
        return len(self.seeds) * self.samples_per_seed

    @property
    def table(self) -> pd.DataFrame:
        """A row a prompt."""
        return pd.DataFrame([asdict(one) for one in self.prompts])


def write(path: Path, frozen: FrozenPrompts) -> None:
    """Keep frozen prompts."""
    write_json(path, asdict(frozen))


def read(path: Path) -> tuple[FrozenPrompts, str]:
    """Frozen prompts, and the SHA-256 of their file.

    Raises:
        FileNotFoundError: There are none.
        ValueError: The file is something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there are no frozen prompts yet; `padstal freeze-prompts` writes them")
    try:
        return TypeAdapter(FrozenPrompts).validate_json(path.read_bytes()), sha256_file(path)
    except ValidationError as error:
        raise ValueError(f"{path}: no frozen prompts of this version ({error})") from None
