"""What one work costs against another: a ratio of what was measured in turn, the median of several, and its limit."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Cost = tuple[float, float]
"""Wall time and processor time, s."""


@dataclass(frozen=True)
class Ratio:
    """The median of several ratios.

    Attributes:
        name: What is divided by what.
        value: Of wall times, or of what has another `unit`.
        of_processor_time: Means nothing where a GPU works; None of what is no time.
        limit: What `value` may be at most.
        over: Median of the first, in `unit`.
        under: Of the second.
    """

    name: str
    value: float
    of_processor_time: float | None
    limit: float
    over: float
    under: float
    unit: str = "s"

    def __str__(self) -> str:
        keeps = "≤" if self.value <= self.limit else "not ≤"
        made = f"{self.over:.4g} {self.unit} / {self.under:.4g} {self.unit} = {self.value:.3f}"
        beside = "" if self.of_processor_time is None else f" (processor time: {self.of_processor_time:.3f})"
        return f"{self.name}: {made}, {keeps} {self.limit:.3g}{beside}"


def ratio(name: str, pairs: Sequence[tuple[Cost, Cost]], limit: float) -> Ratio:
    """Of costs that were measured one after the other."""
    wall, cpu = (statistics.median(top[kind] / bottom[kind] for top, bottom in pairs) for kind in (0, 1))
    over, under = (statistics.median(cost[0] for cost in costs) for costs in zip(*pairs, strict=True))
    return Ratio(name, wall, cpu, limit, over, under)
