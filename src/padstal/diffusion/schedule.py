"""Noise schedules: x_t = α_t x_0 + σ_t ε, from t = 0, data, to t = 1, noise.

    cosine:  α_t = cos(πt/2),  σ_t = sin(πt/2),  σ_edm = tan(πt/2)       (1)  variance preserving; Salimans & Ho 2022
    flow:    α_t = 1 − t,      σ_t = t,          σ_edm = t / (1 − t)     (2)  straight paths; Lipman et al. 2023

Solvers count in σ_edm = σ_t / α_t (Karras et al. 2022), so they need not know which schedule it is.
"""

import math
from typing import TYPE_CHECKING, Literal

from padstal.core.kinds import Kinds
from padstal.core.section import Section

if TYPE_CHECKING:
    import torch


class Cosine(Section):
    """Stable Audio Open's schedule, (1)."""

    kind: Literal["cosine"] = "cosine"

    def alpha_sigma(self, t: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """α_t and σ_t, in the shape of `t`; α² + σ² = 1."""
        angle = t * (math.pi / 2)
        return angle.cos(), angle.sin()

    def sigma_edm(self, t: float) -> float:
        """σ_t / α_t.

        Raises:
            ValueError: `t` is not in [0, 1); at t = 1 nothing of the data is left and σ_edm is infinite.
        """
        return math.tan(math.pi * _in_range(t) / 2)

    def time_of(self, sigma: float) -> float:
        """t = (2/π) atan(σ_edm), in [0, 1); what the model and γ(t) are asked with.

        Raises:
            ValueError: `sigma` is negative.
        """
        return 2 / math.pi * math.atan(_not_negative(sigma))


class Flow(Section):
    """Rectified flow's schedule, (2)."""

    kind: Literal["flow"] = "flow"

    def alpha_sigma(self, t: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """α_t and σ_t, in the shape of `t`; α + σ = 1."""
        return 1 - t, t

    def sigma_edm(self, t: float) -> float:
        """σ_t / α_t.

        Raises:
            ValueError: `t` is not in [0, 1).
        """
        return _in_range(t) / (1 - t)

    def time_of(self, sigma: float) -> float:
        """t = σ_edm / (1 + σ_edm), in [0, 1).

        Raises:
            ValueError: `sigma` is negative.
        """
        return _not_negative(sigma) / (1 + sigma)


SCHEDULES = Kinds("noise schedule", Cosine, Flow)


def _in_range(t: float) -> float:
    if not 0 <= t < 1:
        raise ValueError(f"t = {t}: expected 0 ≤ t < 1")
    return t


def _not_negative(sigma: float) -> float:
    if sigma < 0:
        raise ValueError(f"sigma = {sigma}: a noise level is not negative")
    return sigma
