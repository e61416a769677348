"""What one work costs against another: a ratio of what was measured in turn, the median of several, and its limit."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Cost = tuple[float, ...]
"""Wall time and processor time, s; or peak memory alone, MiB."""


@dataclass(frozen=True)
class Ratio:
    """The median of several ratios.

    Attributes:
        name: What is divided by what.
        value: Of wall times, or of memories.
        of_processor_time: Means nothing where a GPU works; None of memories.
        limit: What `value` may be at most.
        over: Median of the first wall times, s, or memories, MiB.
        under: Of the second.
    """

    name: str
    value: float
    of_processor_time: float | None
    limit: float
    over: float
    under: float

    def __str__(self) -> str:
        keeps = "≤" if self.value <= self.limit else "not ≤"
        unit = "s" if self.of_processor_time else "MiB"
        made = f"{self.over:.4g} {unit} / {self.under:.4g} {unit} = {self.value:.3f}, {keeps} {self.limit:.3g}"
        cpu = f" (processor time: {self.of_processor_time:.3f})" if self.of_processor_time else ""
        return f"{self.name}: {made}{cpu}"


def ratio(name: str, pairs: Sequence[tuple[Cost, Cost]], limit: float) -> Ratio:
    """Of costs that were measured one after the other."""
    kinds = range(len(pairs[0][0]))
    value, *cpu = (statistics.median(top[kind] / bottom[kind] for top, bottom in pairs) for kind in kinds)
    over, under = (statistics.median(cost[0] for cost in costs) for costs in zip(*pairs, strict=True))
    return Ratio(name, value, cpu[0] if cpu else None, limit, over, under)
