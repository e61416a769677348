"""The sampling grid as evaluation sees it: settings, each with the same number of samples of the same prompts.

Shape suffixes: P prompts, I samples of a prompt.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ROLES = ("tune", "test")


@dataclass(frozen=True, order=True)
class Key:
    """What names a setting."""

    model: str
    perturbation: str
    strength: float
    guidance: float


@dataclass(frozen=True)
class Grid:
    """Samples of one role.

    Attributes:
        prompts: The prompts, in the order of axis P.
        rows: Setting → positions [P, I] of its samples in the table that it was made from.
        seeds: Fewest different seeds that any prompt has in any setting.
    """

    prompts: pd.DataFrame
    rows: dict[Key, np.ndarray]
    seeds: int


def check_prompts(by_model: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The prompts, if all models were given the same and those to tune on are no test prompts.

    Raises:
        ValueError: Models differ, a role is unknown, or a prompt or held-out clip serves both roles.
    """
    if not by_model:
        raise ValueError("no models to evaluate: expected at least one")
    columns = ["prompt_id", "prompt", "clip_id", "role"]
    (first, prompts), *rest = by_model.items()
    prompts = prompts[columns].sort_values("prompt_id", kind="stable").reset_index(drop=True)
    for name, other in rest:
        if not prompts.equals(other[columns].sort_values("prompt_id", kind="stable").reset_index(drop=True)):
            raise ValueError(f"prompts of {name} differ from those of {first}: sample all models on the same prompts")
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


def arrange(samples: pd.DataFrame, prompts: pd.DataFrame, role: str) -> Grid:
    """The grid of one role.

    Args:
        samples: One row a sample, with `model`, `perturbation`, `strength`, `guidance`, `prompt_id`, `seed`, `index`.
        prompts: From `check_prompts`.
        role: "tune" or "test".

    Raises:
        ValueError: A setting lacks samples that another has; methods are only compared at equal n.
    """
    chosen = prompts[prompts["role"] == role].reset_index(drop=True)
    place = {prompt_id: position for position, prompt_id in enumerate(chosen["prompt_id"])}
    table = samples.assign(at=np.arange(len(samples)), place=samples["prompt_id"].map(place)).dropna(subset=["place"])
    table = table.sort_values(
        ["model", "perturbation", "strength", "guidance", "place", "seed", "index"], kind="stable"
    )
    rows: dict[Key, np.ndarray] = {}
    seeds = np.inf
    expected: int | None = None
    for values, part in table.groupby(["model", "perturbation", "strength", "guidance"], sort=True):
        key = Key(str(values[0]), str(values[1]), float(values[2]), float(values[3]))
        counts = part.groupby("place").size().reindex(range(len(chosen)), fill_value=0)
        expected = int(counts.iloc[0]) if expected is None else expected
        wrong = counts[counts != expected]
        if len(wrong) or expected == 0:
            prompt = chosen["prompt_id"].iloc[int(wrong.index[0]) if len(wrong) else 0]
            found = int(wrong.iloc[0]) if len(wrong) else 0
            raise ValueError(f"{key}: prompt {prompt!r} has {found} samples, expected {max(expected, 1)} as elsewhere")
        rows[key] = part["at"].to_numpy().reshape(len(chosen), expected)
        seeds = min(seeds, int(part.groupby("place")["seed"].nunique().min()))
    return Grid(chosen, rows, 0 if not rows else int(seeds))


def base_guidance(keys: list[Key]) -> float:
    """The guidance that most perturbed settings use (all settings, if none is perturbed); the higher one on a tie."""
    perturbed = [key.guidance for key in keys if key.perturbation != "none"] or [key.guidance for key in keys]
    values, counts = np.unique(perturbed, return_counts=True)
    return float(max(values[counts == counts.max()]))
