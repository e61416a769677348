"""One system trained more than once, with other seeds: what holds of such a training, not of one model.

Of K trainings, a figure is the mean over them. A draw takes the same prompts of all of them, as elsewhere, and K
trainings with replacement, the same for all settings, so that differences are paired over both. Such draws vary too
little by (K − 1)/K, so the weight w of a training in a draw is moved away from 1/K:

    w' = 1/K + √(K/(K − 1)) (w − 1/K)                                                                              (1)

An interval of so few trainings is still a rough one: with K = 3, normal quantiles stand for Student's of 2 degrees.

Shape suffixes: K trainings, R draws, P prompts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from padstal.evaluation import comparison
from padstal.evaluation.differences import differences
from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured


def over_trainings(
    measured: Mapping[Cell, Measured], retrained: Mapping[str, Sequence[str]], level: float, seed: int
) -> list[dict[str, Any]]:
    """The settings that all trainings of a system have, as they stand in `evaluate.json`.

    Args:
        measured: All cells.
        retrained: System → systems that differ from it in the seed of their training alone.
        level: Of the intervals.
        seed: Of the draws of trainings.

    Raises:
        ValueError: A system has no samples.
    """
    told = []
    for system, others in retrained.items():
        names = [system, *others]
        lacking = [name for name in names if all(cell.system != name for cell in measured)]
        if lacking:
            raise ValueError(
                f"evaluate.retrained: no samples of {', '.join(lacking)}: expected systems that params name"
            )
        pooled = pool(measured, names, seed)
        told.append(
            {
                "system": system,
                "trainings": names,
                "sweep": [comparison.measured_row(cell, one, pooled, level) for cell, one in pooled.items()],
                "differences": differences(pooled, level),
            }
        )
    return told


def pool(measured: Mapping[Cell, Measured], names: Sequence[str], seed: int) -> dict[Cell, Measured]:
    """Each setting that all systems `names` have, as a cell of the first: means and draws over all of them."""
    settings = [cell.setting for cell in measured if cell.system == names[0]]
    found = {}
    for setting in settings:
        own = [measured[cell] for name in names if (cell := Cell(name, setting)) in measured]
        if len(own) == len(names):
            found[Cell(names[0], setting)] = _mean(own, seed)
    return found


def draw_weights(trainings: int, draws: int, seed: int) -> np.ndarray:
    """(1): the weight of each training in each draw [R, K]; rows sum to 1. One training has all of it."""
    even = 1 / trainings
    counts_RK = np.random.default_rng(seed).multinomial(trainings, np.full(trainings, even), size=draws)
    spread = np.sqrt(trainings / max(trainings - 1, 1))
    weights_RK: np.ndarray = even + spread * (counts_RK / trainings - even)
    return weights_RK


def _mean(own: Sequence[Measured], seed: int) -> Measured:
    values: dict[str, float | None] = dict.fromkeys(own[0].values)
    draws = {}
    for name in values:
        given = [value for one in own if (value := one.values[name]) is not None]
        if len(given) == len(own):
            values[name] = float(np.mean(given))
            draws_RK = np.stack([one.draws[name] for one in own], axis=1)
            draws[name] = (draw_weights(len(own), len(draws_RK), seed) * draws_RK).sum(axis=1)
    chances = [one.clap_f_chance for one in own if one.clap_f_chance is not None]
    return Measured(
        values=values,
        draws=draws,
        per_prompt={name: np.mean([one.per_prompt[name] for one in own], axis=0) for name in own[0].per_prompt},
        clips=sum(one.clips for one in own),
        genres=tuple(sorted({genre for one in own for genre in one.genres})),
        inception=float(np.mean([one.inception for one in own])),
        clap_f_chance=float(np.mean(chances)) if chances else None,
        fd_is_singular=any(one.fd_is_singular for one in own),
    )
