"""Training curves: one small chart a quantity, the runs of a stage drawn together so that they can be compared."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from padstal.reporting import svg
from padstal.reporting.text import number, words

MAX_POINTS = 240
"""Curves are thinned to this many points by averaging neighbours."""
MAX_CHARTS = 16
_STYLES = ("c5", "c3", "c4", "c6", "c1", "c2")


def training_charts(curves: Mapping[str, pd.DataFrame], stage: str) -> list[tuple[str, Markup]]:
    """(quantity, chart) for every quantity that a run of `stage` recorded; what several runs have comes first."""
    runs = {name.removeprefix(f"{stage}_"): table for name, table in curves.items() if name.startswith(f"{stage}_")}
    runs = {name: table for name, table in runs.items() if "step" in table}
    quantities: dict[str, int] = {}
    for table in runs.values():
        for column in table.columns:
            if column not in ("step", "epoch") and pd.api.types.is_numeric_dtype(table[column]):
                quantities[column] = quantities.get(column, 0) + 1
    ranked = sorted(quantities, key=lambda column: (-quantities[column], not column.startswith("loss"), column))
    return [(quantity, _chart(runs, quantity)) for quantity in ranked[:MAX_CHARTS]]


def run_legend(curves: Mapping[str, pd.DataFrame], stage: str) -> list[tuple[str, Markup]]:
    """(run, swatch) of each run of `stage`."""
    names = sorted(name.removeprefix(f"{stage}_") for name in curves if name.startswith(f"{stage}_"))
    return [(words(name), svg.line_swatch(_STYLES[place % len(_STYLES)])) for place, name in enumerate(names)]


def thinned(step: np.ndarray, value: np.ndarray, points: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `points` means of neighbouring values, at their mean steps; what is not finite is left out."""
    good = np.isfinite(step) & np.isfinite(value)
    step, value = step[good], value[good]
    if len(step) <= points:
        return step, value
    groups = np.array_split(np.arange(len(step)), points)
    return np.array([step[group].mean() for group in groups]), np.array([value[group].mean() for group in groups])


def _chart(runs: Mapping[str, pd.DataFrame], quantity: str) -> Markup:
    lines = []
    for place, (name, table) in enumerate(sorted(runs.items())):
        if quantity not in table:
            continue
        step, value = thinned(table["step"].to_numpy(float), table[quantity].to_numpy(float))
        if len(step):
            marks = [svg.Mark(float(x), float(y)) for x, y in zip(step, value, strict=True)]
            label = f"{words(name)}: {number(float(value[0]))} at first, {number(float(value[-1]))} at last"
            lines.append(svg.Line(label, marks, _STYLES[place % len(_STYLES)]))
    title = quantity.replace("_", " ").replace("/", " / ")
    axes = svg.Axes("step", "", width=320, height=190)
    description = "; ".join(line.name for line in lines)
    return svg.line_chart(lines, axes, title=f"{title} over training", description=description)
