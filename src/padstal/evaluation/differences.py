"""Each setting against the one that it departs from, paired over prompts: what a method costs, and what it buys.

Draws of prompts are the same for all settings, so an interval of a difference is narrower than those of its ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from padstal.evaluation.bootstrap import interval
from padstal.evaluation.comparison import named
from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured


def departs_from(cell: Cell, cells: Sequence[Cell]) -> Cell | None:
    """The setting of its system that `cell` is held against; `None` for the system's first.

    The one without its method; else the first before it that differs in its guidance alone, at the same w; else the
    system's first.
    """
    own = [one for one in cells if one.system == cell.system]
    starts = [one for one in own if one.starts(cell)]
    before = own[: own.index(cell)]
    guided = [one for one in before if one.setting.w == cell.setting.w and one.equals_but_for("guidance", cell)]
    return next((one for one in [*starts, *guided, *own[:1]] if one != cell), None)


def differences(measured: Mapping[Cell, Measured], level: float) -> list[dict[str, Any]]:
    """A row of `evaluate.json` for each setting: its metrics minus those of the setting that it departs from."""
    found, cells = [], list(measured)
    for cell, one in measured.items():
        other = departs_from(cell, cells)
        if other is None:
            continue
        base, settings = measured[other], (cell.setting, other.setting)
        values = {
            name: value - before
            for name, value in one.values.items()
            if value is not None and (before := base.values[name]) is not None
        }
        bounds = {name: interval(one.draws[name] - base.draws[name], value, level) for name, value in values.items()}
        found.append(
            {
                **named(cell),
                "label": f"{cell.setting.label(settings)} against {other.setting.label(settings)}",
                "against": other.setting.id,
                **values,
                "n": one.clips,
                "intervals": {name: ends and list(ends) for name, ends in bounds.items()},
            }
        )
    return found
