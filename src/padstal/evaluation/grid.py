"""The sampling grid as evaluation sees it: cells, each with the same number of samples of the same prompts.

Shape suffixes: P prompts, I samples of a prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from padstal.sampling.diversity.unperturbed import Unperturbed
from padstal.sampling.setting import Setting

ROLES = ("tune", "test")


@dataclass(frozen=True)
class Cell:
    """A system under a setting."""

    system: str
    setting: Setting

    def __str__(self) -> str:
        return f"{self.system} {self.setting.label()}"

    @property
    def is_unperturbed(self) -> bool:
        return isinstance(self.setting.method, Unperturbed)

    def starts(self, other: "Cell") -> bool:
        """Whether it is `other` without its method: the same system, guidance, solver and noise levels."""
        return self.is_unperturbed and self.equals_but_for("method", other)

    def equals_but_for(self, part: str, other: "Cell") -> bool:
        """Whether it is `other` but for values of `part`, if for anything."""
        return self.system == other.system and self._without(part) == other._without(part)

    def _without(self, part: str) -> dict[str, object]:
        return {name: own for name, own in self.setting.values.items() if not name.startswith(f"{part}.")}


@dataclass(frozen=True)
class Grid:
    """Samples of one role.

    Attributes:
        prompts: The prompts, in the order of axis P.
        rows: Cell → positions [P, I] of its samples in the table that it was made from, in the order of that table.
        seeds: Fewest different seeds that any prompt has in any cell.
    """

    prompts: pd.DataFrame
    rows: dict[Cell, np.ndarray]
    seeds: int


def check_prompts(by_system: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The prompts, if all systems were given the same and those to tune on are no test prompts.

    Raises:
        ValueError: Systems differ, a role is unknown, or a prompt or held-out clip serves both roles.
    """
    if not by_system:
        raise ValueError("no systems to evaluate: expected at least one")
    columns = ["prompt_id", "prompt", "clip_id", "role"]
    (first, prompts), *rest = by_system.items()
    prompts = prompts[columns].sort_values("prompt_id", kind="stable").reset_index(drop=True)
    for name, other in rest:
        if not prompts.equals(other[columns].sort_values("prompt_id", kind="stable").reset_index(drop=True)):
            raise ValueError(f"prompts of {name} differ from those of {first}: sample all systems on the same prompts")
    unknown = sorted(set(prompts["role"]) - set(ROLES))
    if unknown:
        raise ValueError(f"prompt role {unknown[0]!r}: expected one of {', '.join(ROLES)}")
    if prompts["prompt_id"].duplicated().any():
        raise ValueError(f"prompt {prompts['prompt_id'][prompts['prompt_id'].duplicated()].iloc[0]!r} occurs twice")
    both = set(prompts.loc[prompts["role"] == "tune", "clip_id"]) & set(
        prompts.loc[prompts["role"] == "test", "clip_id"]
    )
    if both:
        raise ValueError(f"held-out clip {sorted(both)[0]} serves a tune and a test prompt: expected disjoint roles")
    return prompts


def arrange(samples: pd.DataFrame, settings: Mapping[str, Setting], prompts: pd.DataFrame, role: str) -> Grid:
    """The grid of one role.

    Args:
        samples: One row a sample, with `system`, `setting` (its id), `prompt_id`, `seed`, `index`.
        settings: Setting's id → setting.
        prompts: From `check_prompts`.
        role: "tune" or "test".

    Raises:
        ValueError: A cell lacks samples that another has; cells are only compared at equal n.
    """
    chosen = prompts[prompts["role"] == role].reset_index(drop=True)
    place = {prompt_id: position for position, prompt_id in enumerate(chosen["prompt_id"])}
    table = samples.assign(at=np.arange(len(samples)), place=samples["prompt_id"].map(place)).dropna(subset=["place"])
    rows: dict[Cell, np.ndarray] = {}
    seeds = np.inf
    expected: int | None = None
    for (system, setting), part in table.groupby(["system", "setting"], sort=False):
        cell = Cell(str(system), settings[str(setting)])
        counts = part.groupby("place").size().reindex(range(len(chosen)), fill_value=0)
        expected = int(counts.iloc[0]) if expected is None else expected
        wrong = counts[counts != expected]
        if len(wrong) or expected == 0:
            prompt = chosen["prompt_id"].iloc[int(wrong.index[0]) if len(wrong) else 0]
            found = int(wrong.iloc[0]) if len(wrong) else 0
            raise ValueError(f"{cell}: prompt {prompt!r} has {found} samples, expected {max(expected, 1)} as elsewhere")
        ordered = part.sort_values(["place", "seed", "index"], kind="stable")
        rows[cell] = ordered["at"].to_numpy().reshape(len(chosen), expected)
        seeds = min(seeds, int(part.groupby("place")["seed"].nunique().min()))
    return Grid(chosen, rows, 0 if not rows else int(seeds))
