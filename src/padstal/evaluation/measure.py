"""All metrics of one setting, with their bootstrap draws over prompts.

Shape suffixes: P prompts, R draws.
"""

from dataclasses import dataclass

import numpy as np

from padstal.evaluation import clap_score, frechet, recall
from padstal.evaluation.bootstrap import Interval, interval, mean_draws
from padstal.evaluation.inception import inception_score
from padstal.evaluation.judged import Judged
from padstal.evaluation.metrics import METRICS


@dataclass(frozen=True)
class Measured:
    """Metrics of one setting.

    Attributes:
        values: Metric → value, `None` where it cannot be computed.
        draws: Metric → bootstrap draws [R].
        per_prompt: Metric → value of each prompt [P].
        clips: Number of samples.
        genres: Genres that mRecall averages over.
        inception: Inception score of all samples.
        clap_f_chance: CLAP-f of the samples with other prompts than their own; `None` for one prompt.
        fd_is_singular: Too few clips for the Fréchet distance's covariance to have full rank.
    """

    values: dict[str, float | None]
    draws: dict[str, np.ndarray]
    per_prompt: dict[str, np.ndarray]
    clips: int
    genres: tuple[int, ...]
    inception: float
    clap_f_chance: float | None
    fd_is_singular: bool

    def interval(self, name: str, level: float) -> Interval | None:
        """Interval of a metric at confidence `level`; `None` where it has no value."""
        value = self.values[name]
        return None if value is None else interval(self.draws[name], value, level, METRICS[name].limits)

    def intervals(self, level: float) -> dict[str, Interval | None]:
        """Metric → interval at confidence `level`."""
        return {name: self.interval(name, level) for name in self.values}


def measure(judged: Judged, counts_RP: np.ndarray, set_draws: int) -> Measured:
    """All metrics of the table.

    Args:
        judged: The samples of a setting, their prompts, and held-out clips.
        counts_RP: Bootstrap draws of prompts.
        set_draws: The first so many draws are used for metrics of sets, which cost more.
    """
    # the first row counts every prompt once: the estimate itself
    once = np.ones((1, len(judged.heard.pmos_N)), dtype=counts_RP.dtype)
    with_all_RP = np.vstack([once, counts_RP[:set_draws]])
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    draws: dict[str, np.ndarray] = {}
    per_prompt: dict[str, np.ndarray] = {}
    for name, metric in METRICS.items():
        if metric.each == "prompt":
            values_P = metric.function(judged)
            if values_P is not None:
                per_prompt[name] = values_P
                values[name], draws[name] = float(values_P.mean()), mean_draws(values_P, counts_RP)
        else:
            all_R = metric.function(judged, with_all_RP)
            if all_R is not None and np.isfinite(all_R[0]):
                values[name], draws[name] = float(all_R[0]), all_R[1:]
    return Measured(
        values,
        draws,
        per_prompt,
        len(judged.clips),
        recall.genres_of(judged),
        inception_score(judged.clips.posterior("inception")),
        clap_score.chance(judged),
        frechet.is_singular(judged),
    )
