"""DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): order 2, one evaluation a step, reusing the last one's D; at η = 1
SDE-DPM-Solver++(2M), which diffusers' pipeline of Stable Audio Open samples with.

λ = −log σ, h = λ′ − λ, g = (1 + η) h:

    x ← e^(−g) x − (e^(−g) − 1) D̄ + σ′ √(1 − e^(−2ηh)) n,   D̄ = (1 + 1/2r) D − 1/2r D_last,   r = h_last / h     (1)
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class DpmSolverPp2M(Section):
    """(1); the first step is DDIM's, the last returns D."""

    kind: Literal["dpmpp_2m"] = "dpmpp_2m"
    eta: float = value("η: 0 is the ODE, 1 the SDE of as much noise as time takes away", default=0.0, ge=0)

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        last_denoised, last_h = None, 0.0
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            if following == 0:
                return denoised
            h = math.log(sigma / following)
            if last_denoised is None:
                direction = denoised
            else:
                r = last_h / h
                direction = (1 + 1 / (2 * r)) * denoised - 1 / (2 * r) * last_denoised
            # (1)
            x = following / sigma * math.exp(-self.eta * h) * x - math.expm1(-(1 + self.eta) * h) * direction
            if self.eta:
                x = x + following * math.sqrt(-math.expm1(-2 * self.eta * h)) * noise()
            last_denoised, last_h = denoised, h
        return x
