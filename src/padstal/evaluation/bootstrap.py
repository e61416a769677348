"""Bootstrap over prompts: how far a figure would move with other prompts (Efron 1979; reviewer's demand on PADS-TAL 3).

A draw takes as many prompts as there are, with replacement, with all their samples; the same draws serve every
setting, so differences are paired. Intervals are percentile intervals, moved so that the draws' mean lies on the
estimate: a prompt drawn twice adds no new clip to a *set*, hence draws of Vendi, recall and Fréchet distance are
biased (Vendi and recall downwards) and plain percentiles could miss the estimate itself. For means the move is about
nothing.

Shape suffixes: R draws, P prompts.
"""

import numpy as np

Interval = tuple[float, float]
FEWEST_DRAWS = 20


def draw_counts(prompts: int, draws: int, generator: np.random.Generator) -> np.ndarray:
    """How often each prompt occurs in each draw, int64 [R, P]; every row sums to `prompts`.

    Raises:
        ValueError: No prompts.
    """
    if prompts < 1:
        raise ValueError("bootstrap over no prompts: expected at least one")
    return generator.multinomial(prompts, np.full(prompts, 1.0 / prompts), size=draws)


def mean_draws(values_P: np.ndarray, counts_RP: np.ndarray) -> np.ndarray:
    """Means [R] of one value a prompt."""
    return counts_RP @ values_P.astype(np.float64) / counts_RP.sum(axis=1)


def centred(draws_R: np.ndarray, estimate: float) -> np.ndarray:
    """Draws moved so that their mean is `estimate`; draws that could not be computed (NaN) stay out."""
    usable_R = draws_R[np.isfinite(draws_R)]
    return usable_R + (estimate - usable_R.mean()) if len(usable_R) else usable_R


def interval(
    draws_R: np.ndarray, estimate: float, level: float, limits: tuple[float, float] = (-np.inf, np.inf)
) -> Interval | None:
    """The central `level` share of the centred draws, within the metric's own `limits`; `None` with too few draws."""
    moved_R = centred(draws_R, estimate)
    if len(moved_R) < FEWEST_DRAWS:
        return None
    low, high = np.clip(np.quantile(moved_R, [(1 - level) / 2, (1 + level) / 2]), *limits)
    return float(low), float(high)
