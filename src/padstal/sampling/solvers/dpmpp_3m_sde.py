"""DPM-Solver++(3M) SDE, Stable Audio Open's sampler: order 3 at η = 0, one evaluation a step (Lu et al. 2022).

λ = −log σ, h = λ′ − λ, g = (1 + η) h. D is extrapolated along λ from the last three evaluations; D₁ and D₂ are its
first and second derivative there, by divided differences, in units of h. With

    φ₁ = 1 − e^(−g),   φ₂ = 1 − φ₁/g,   φ₃ = ½ − φ₂/g                                                             (1)
    x ← e^(−g) x + φ₁ D + φ₂ D₁ + φ₃ D₂ + σ′ √(1 − e^(−2ηh)) n                                                    (2)

which is ∫ e^(τ−g) (D + D₁ τ/g + D₂ τ²/2g²) dτ from 0 to g. The first step uses D alone, the second D and D₁, so order 3
shows where the first steps matter little (large σ); the step to σ′ = 0 returns D. k-diffusion and diffusers take the
divided difference without its factor 2 for D₂, and come out at order 2: `half_curvature`.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Denoise, Noise
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class DpmSolverPp3MSde(Section):
    """(2)."""

    kind: Literal["dpmpp_3m_sde"] = "dpmpp_3m_sde"
    eta: float = value("η: 0 is the ODE, 1 the SDE of as much noise as time takes away", default=1.0, ge=0)
    half_curvature: bool = value("half of D₂, as k-diffusion and diffusers have it (order 2)", default=False)

    def solve(self, denoise: Denoise, x: "Tensor", sigmas: Sequence[float], noise: Noise) -> "Tensor":
        past: list[tuple[Tensor, float]] = []  # D and h of the steps before, the newest first
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            if following == 0:
                return denoised
            h = math.log(sigma / following)
            g = (1 + self.eta) * h
            phi1 = -math.expm1(-g)
            phi2 = 1 - phi1 / g
            x = math.exp(-g) * x + phi1 * denoised
            if past:
                slope = (denoised - past[0][0]) * (h / past[0][1])
                if len(past) > 1:
                    (near, h1), (far, h2) = past
                    slope_before = (near - far) * (h / h2)
                    bend = 2 * (slope - slope_before) * (h / (h1 + h2))
                    slope = slope + 0.5 * bend * (h1 / h)
                    x = x + (0.5 - phi2 / g) * bend * (0.5 if self.half_curvature else 1.0)
                x = x + phi2 * slope
            if self.eta:
                x = x + following * math.sqrt(-math.expm1(-2 * self.eta * h)) * noise()
            past = [(denoised, h), *past][:2]
        return x
