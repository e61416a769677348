"""DPM-Solver-2 as k-diffusion's `k-dpm-2`: midpoint in log σ, order 2, two evaluations a step (Lu et al. 2022)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section

if TYPE_CHECKING:
    from torch import Tensor


class Dpm2(Section):
    """The slope at √(σ σ′) carries the whole step."""

    kind: Literal["dpm2"] = "dpm2"

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        for sigma, following in pairwise(sigmas):
            slope = (x - denoise(x, sigma)) / sigma
            if following == 0:
                x = x + slope * (following - sigma)
                continue
            middle = math.sqrt(sigma * following)
            x_middle = x + slope * (middle - sigma)
            slope_middle = (x_middle - denoise(x_middle, middle)) / middle
            x = x + slope_middle * (following - sigma)
        return x
