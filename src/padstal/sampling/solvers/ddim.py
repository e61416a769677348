"""DDIM (Song et al. 2021), order 1, one evaluation a step: deterministic at η = 0, DDPM's posterior at η = 1.

With ε̂ = (x − D) / σ, from σ to σ′:

    u = η σ′/σ √(σ² − σ′²),   x ← D + √(σ′² − u²) ε̂ + u n                                                         (1)

At η = 0 it is Euler's method on the probability flow, x ← x + (σ′ − σ) ε̂.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class Ddim(Section):
    """(1)."""

    kind: Literal["ddim"] = "ddim"
    eta: float = value("η: 0 adds no noise, 1 as much as DDPM", default=0.0, ge=0, le=1)

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        for sigma, following in pairwise(sigmas):
            slope = (x - denoise(x, sigma)) / sigma
            up = self.eta * following / sigma * math.sqrt(max(0.0, sigma**2 - following**2))
            down = math.sqrt(following**2 - up**2) if up else following
            x = x + slope * (down - sigma)
            if up:
                x = x + up * noise()
        return x
