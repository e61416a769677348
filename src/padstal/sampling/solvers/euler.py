"""Euler's method on the probability flow, with the noise that Karras et al. 2022 (algorithm 2) churn in.

    γ = min(churn / steps, √2 − 1) for σ_low ≤ σ ≤ σ_high, else 0                                                 (1)
    σ̂ = (1 + γ) σ,   x̂ = x + √(σ̂² − σ²) n,   x ← x̂ + (σ′ − σ̂) (x̂ − D(x̂, σ̂)) / σ̂                               (2)

Without churn it is DDIM at η = 0: order 1, one evaluation a step.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class Euler(Section):
    """(2)."""

    kind: Literal["euler"] = "euler"
    churn: float = value("S_churn; 0 is deterministic", default=0.0, ge=0)
    churn_low: float = value("no churn below", "σ_t/α_t", default=0.0, ge=0)
    churn_high: float = value("no churn above", "σ_t/α_t", default=1e9, gt=0)

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        count = len(sigmas) - 1
        for sigma, following in pairwise(sigmas):
            gamma = min(self.churn / count, math.sqrt(2) - 1) if self.churn_low <= sigma <= self.churn_high else 0.0
            if gamma:
                x = x + sigma * math.sqrt((1 + gamma) ** 2 - 1) * noise()
                sigma = (1 + gamma) * sigma
            x = x + (x - denoise(x, sigma)) / sigma * (following - sigma)
        return x
