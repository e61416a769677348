"""`sample`: the sampling grids, prompts × seeds × settings (PADS-TAL 2.1, 3)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from padstal.core.section import Name, Section, Seed, value
from padstal.sampling.setting import Sampler, Setting, Sweep


class Grid(Section):
    """The settings that a system is sampled with."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    seconds: float | None = value(
        "length of what is generated; null for that of the training clips", "s", gt=0, le=190, default=None
    )
    sampler: Sampler
    sweeps: dict[Name, Sweep] = value(
        "settings by name; a list in place of a value sweeps it, and what is not named is the sampler's", min_length=1
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, raw: Any) -> Any:
        sweeps, sampler = (
            (raw.get(name) for name in ("sweeps", "sampler")) if isinstance(raw, Mapping) else (None, None)
        )
        if not isinstance(sweeps, Mapping) or not isinstance(sampler, Mapping):
            return raw
        filled = {name: {**one, **sampler, **one} if isinstance(one, Mapping) else one for name, one in sweeps.items()}
        return {**raw, "sweeps": filled}

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """All of them, in order."""
        return tuple(setting for sweep in self.sweeps.values() for setting in sweep.settings)

    @model_validator(mode="after")
    def _differ(self) -> "Grid":
        ids = [setting.id for setting in self.settings]
        for setting in self.settings:
            if ids.count(setting.id) > 1:
                raise ValueError(f"sweeps give {setting.label(self.settings)} twice; results could not be told apart")
        return self


class PromptSet(Section):
    """A published set of prompts (`prompt_sets`)."""

    kind: Literal["musiccaps", "song_describer", "melbench"] = value("which set")
    path: str = value("its table, as published", min_length=1)
    sha256: str = value("of the table; 'unverified' is refused", pattern=r"^([0-9a-f]{64}|unverified)$")
    text: Literal["caption", "tags"] = value("what is prompted with; melbench has tags alone", default="caption")
    marked_only: bool = value(
        "only rows that the set marks: of AudioSet's evaluation set (musiccaps), valid (song_describer)", default=False
    )
    prompts: int = value("most prompts of it", "prompts", ge=1)


class SampleParams(Section):
    """Prompts and seeds of all grids, and the settings of each."""

    tune_prompts: int = value("prompts from the validation split, to choose settings with", "prompts", ge=0)
    test_prompts: Annotated[int, Field(ge=1)] | PromptSet = value(
        "prompts from the test split, to report on; or a published set", "prompts"
    )
    prompt_seed: int = value("seed of the choice of prompts", ge=0)
    seeds: tuple[Seed, ...] = value("seeds of x_T and of all other noise", min_length=1)
    samples_per_seed: int = value("samples of one prompt and seed", "samples", ge=1)
    batch: int = value(
        "samples of every call of a model; holds whole prompts; any number gives the same audio up to rounding",
        "samples",
        ge=1,
    )
    refined_clips: int = value(
        "held-out clips that a system of two denoisers refines from their own first latent (DiscoDiff, table 1)",
        "clips",
        ge=2,
    )
    precision: Literal["32-true", "bf16-mixed"] = value("arithmetic of the denoiser's matrix products")
    grids: dict[Name, Grid] = value("by name; `systems` say which is whose", min_length=1)

    @model_validator(mode="after")
    def _seeds_differ(self) -> "SampleParams":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds = {self.seeds} must differ")
        return self

    @property
    def most_prompts(self) -> int:
        """Of both roles together."""
        asked = self.test_prompts
        return self.tune_prompts + (asked.prompts if isinstance(asked, PromptSet) else asked)

    def settings_on(self, grid: str) -> tuple[Setting, ...]:
        """The settings of a grid.

        Raises:
            ValueError: There is no such grid; names those that there are.
        """
        if grid not in self.grids:
            raise ValueError(f"grid {grid!r}: sample.grids has {', '.join(self.grids)}")
        return self.grids[grid].settings
