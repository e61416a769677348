"""DDPM's ancestral sampling (Ho et al. 2020): from σ to σ′, x′ is drawn from q(x′ | x, x_0 = D).

    mean = D + σ′²/σ² (x − D),   variance = σ′²/σ² (σ² − σ′²) ("posterior", β̃)                                     (1)

or, at the other end of what Ho et al. tried, β itself; in these coordinates and under α² + σ_t² = 1,

    variance = (σ² − σ′²) (1 + σ′²) / (1 + σ²) ("prior", β)                                                        (2)

No noise is added in the last step, to σ′ = 0.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class Ddpm(Section):
    """(1), with the variance of (1) or (2)."""

    kind: Literal["ddpm"] = "ddpm"
    variance: Literal["posterior", "prior"] = value("variance of a step: β̃ or β", default="posterior")

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            kept = (following / sigma) ** 2
            x = denoised + kept * (x - denoised)
            if following:
                lost = sigma**2 - following**2
                share = kept if self.variance == "posterior" else (1 + following**2) / (1 + sigma**2)
                x = x + math.sqrt(share * lost) * noise()
        return x
