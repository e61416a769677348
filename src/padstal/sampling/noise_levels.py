"""The noise levels that a solver goes along: σ_edm, falling."""

import math


def exponential_sigmas(steps: int, sigma_min: float, sigma_max: float) -> list[float]:
    """`steps` noise levels in geometric progression from σ_max to σ_min, then 0.

    Raises:
        ValueError: Not 0 < σ_min < σ_max, or no step.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}: expected at least 1")
    if not 0 < sigma_min < sigma_max:
        raise ValueError(f"sigma_min = {sigma_min}, sigma_max = {sigma_max}: expected 0 < sigma_min < sigma_max")
    ratio = math.log(sigma_min / sigma_max) / max(1, steps - 1)
    return [*(sigma_max * math.exp(ratio * step) for step in range(steps)), 0.0]
