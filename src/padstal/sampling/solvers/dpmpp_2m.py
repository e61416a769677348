"""DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): order 2, one evaluation a step, reusing the last one's D.

λ = −log σ, h = λ′ − λ:

    x ← e^(−h) x − (e^(−h) − 1) D̄,   D̄ = (1 + 1/2r) D − 1/2r D_last,   r = h_last / h                             (1)
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise, Steps
from padstal.core.section import Section

if TYPE_CHECKING:
    from torch import Tensor


class DpmSolverPp2M(Section):
    """(1); the first step is DDIM's, the last returns D."""

    kind: Literal["dpmpp_2m"] = "dpmpp_2m"

    def solve(
        self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise, steps: Steps = iter
    ) -> "Tensor":
        last_denoised, last_h = None, 0.0
        for i in steps(range(len(sigmas) - 1)):
            sigma, following = sigmas[i], sigmas[i + 1]
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
            x = following / sigma * x - math.expm1(-h) * direction
            last_denoised, last_h = denoised, h
        return x
