"""Quality levels and prefixes from p-MOS (QA-MDT 4.1).

With μ, σ of p-MOS over the training set:

    Q(s) = ⌊(s − (μ − 2σ)) / σ⌋ + r                                                (2)

The paper sets r = 2 for s > μ and 1 otherwise, which reaches level 3 only at s = μ. With r swapped (2 for s < μ, 1
otherwise) and clamped to 1…5, as the authors' released thresholds behave, it is a staircase whose edges are μ − 2σ, μ −
σ, μ + σ and μ + 2σ.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from padstal.curation.config import ScoreParams
from padstal.curation.quantiles import quantiles

UNKNOWN_LEVEL = 0
"""Level of a clip without a score."""
MIDDLE_LEVEL = 3
LEVELS = (1, 2, 3, 4, 5)
LOW, MEDIUM, HIGH = "low quality", "medium quality", "high quality"
QUANTILES = (0.02, 0.16, 0.5, 0.84, 0.98)
"""That metrics give of p-MOS: μ and one and two σ about it, were it normal."""


@dataclass(frozen=True)
class Distribution:
    """p-MOS of the training split.

    Attributes:
        mu: Mean.
        sigma: Standard deviation of the population.
        n: Number of scores.
    """

    mu: float
    sigma: float
    n: int


def fit(pmos_N: np.ndarray) -> Distribution:
    """Mean and standard deviation of the finite scores.

    Raises:
        ValueError: There is no finite score.
    """
    finite = np.asarray(pmos_N, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        raise ValueError(f"none of {len(pmos_N)} p-MOS scores is finite: expected at least one to fit μ and σ")
    return Distribution(mu=float(finite.mean()), sigma=float(finite.std()), n=len(finite))


@dataclass(frozen=True)
class Graded:
    """N clips with their quality.

    Attributes:
        pmos_N: Scores; NaN where unknown.
        distribution: That levels and prefixes were given by.
        level_N: Quality levels, int64.
        prefix: Quality prefixes.
    """

    pmos_N: np.ndarray
    distribution: Distribution
    level_N: np.ndarray
    prefix: list[str]

    def metrics(self) -> dict[str, Any]:
        """μ, σ, n, and how many clips have which level and prefix."""
        return {
            **asdict(self.distribution),
            "clips": len(self.pmos_N),
            "unknown": int(np.isnan(self.pmos_N).sum()),
            "clips_of_level": {str(level): int((self.level_N == level).sum()) for level in (UNKNOWN_LEVEL, *LEVELS)},
            "clips_of_prefix": {name: self.prefix.count(name) for name in (LOW, MEDIUM, HIGH)},
            "clips_without_prefix": self.prefix.count(""),
            "pmos_quantiles": quantiles(self.pmos_N, QUANTILES),
        }


def grade(pmos_N: np.ndarray, train_N: np.ndarray, params: ScoreParams) -> Graded:
    """Levels and prefixes of all clips, by μ and σ of those where `train_N` is true.

    Raises:
        ValueError: No training clip has a score.
    """
    distribution = fit(pmos_N[train_N])
    level_N = quality_level(pmos_N, distribution, params.quantiser)
    return Graded(pmos_N, distribution, level_N, quality_prefix(pmos_N, distribution, params.gap_policy))


def quality_level(
    pmos_N: np.ndarray, distribution: Distribution, quantiser: Literal["swapped", "literal"] = "swapped"
) -> np.ndarray:
    """Levels [N] (int64) 1…5, or `UNKNOWN_LEVEL` where the score is NaN.

    If all training scores are equal (σ = 0), that score has the middle level, lower ones 1 and higher ones 5.
    """
    s = np.asarray(pmos_N, dtype=np.float64)
    mu, sigma = distribution.mu, distribution.sigma
    known = ~np.isnan(s)
    filled = np.where(known, s, mu)
    if sigma == 0:
        level = MIDDLE_LEVEL + 2 * np.sign(filled - mu).astype(np.int64)
    elif quantiser == "swapped":
        # (2) with r swapped; compared with edges instead of divided, so that each edge belongs to the band above it.
        edges = np.array([mu - 2 * sigma, mu - sigma, mu + sigma, mu + 2 * sigma])
        level = 1 + np.searchsorted(edges, filled, side="right")
    else:
        r = np.where(filled > mu, 2, 1)
        level = np.floor((np.clip(filled, -1e9, 1e9) - (mu - 2 * sigma)) / sigma).astype(np.int64) + r  # (2)
        level = np.clip(level, LEVELS[0], LEVELS[-1])
    return np.where(known, level, UNKNOWN_LEVEL).astype(np.int64)


def quality_prefix(
    pmos_N: np.ndarray, distribution: Distribution, gap_policy: Literal["none", "medium", "nearest", "outer"] = "none"
) -> list[str]:
    """Prefix of each caption: low for s < μ − 2σ, medium for μ − σ ≤ s ≤ μ + σ, high for s > μ + 2σ.

    Args:
        gap_policy: In the two bands between, which the paper leaves open: no prefix, "medium quality", the nearer
            band's (medium at equal distance), or the outer one's, so that each level has one prefix and levels 4 and 3
            do not share it. A NaN never has a prefix.
    """
    s, mu, sigma = np.asarray(pmos_N, dtype=np.float64), distribution.mu, distribution.sigma
    outer = np.where(s < mu, LOW, HIGH)
    nearest = np.where(np.abs(s - mu) <= 1.5 * sigma, MEDIUM, outer)
    bands = [np.isnan(s), s < mu - 2 * sigma, s > mu + 2 * sigma, (mu - sigma <= s) & (s <= mu + sigma)]
    between: dict[str, Any] = {"none": "", "medium": MEDIUM, "nearest": nearest, "outer": outer}
    prefixes: list[str] = np.select(bands, ["", LOW, HIGH, MEDIUM], between[gap_policy]).tolist()
    return prefixes
