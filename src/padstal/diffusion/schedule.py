"""Noise schedules: x_t = α_t x_0 + σ_t ε, from t = 0, data, to t = 1, noise.

    cosine:  α_t = cos a / cos a_0,  σ_t² = 1 − α_t²                     (1)  variance preserving; with a = (π/2)
             (t + s)/(1 + s) from a_0 to π/2; Nichol & Dhariwal 2021; s = 0 is α_t = cos(πt/2), Salimans & Ho 2022
    flow:    α_t = 1 − t,      σ_t = t,          σ_edm = t / (1 − t)     (2)  straight paths; Lipman et al. 2023
    betas:   α_t² = ᾱ_t, σ_t² = 1 − ᾱ_t,  ᾱ_i = Π_{j ≤ i} (1 − β_j)      (3)  discrete steps i = t N; Ho et al. 2020

Solvers count in σ_edm = σ_t / α_t (Karras et al. 2022), so they need not know which schedule it is.
"""

import math
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict

from padstal.core.kinds import Kinds
from padstal.core.section import Section, value

if TYPE_CHECKING:
    import numpy as np
    import torch


class Cosine(Section):
    """Stable Audio Open's schedule, and with an offset DiscoDiff's, (1)."""

    kind: Literal["cosine"] = "cosine"
    offset: float = value(
        "s: noise rises at once from the start; Stable Audio Open 0, DiscoDiff's code 0.008", default=0.0, ge=0, lt=1
    )

    @property
    def first_angle(self) -> float:
        """a_0, rad."""
        return math.pi / 2 * self.offset / (1 + self.offset)

    def alpha_sigma(self, t: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """α_t and σ_t, in the shape of `t`; α² + σ² = 1."""
        first = self.first_angle
        risen = t * (math.pi / 2 - first)
        # cos² a_0 − cos² a, with all digits near t = 0
        sigma_squared = risen.sin() * (risen + 2 * first).sin()
        return (first + risen).cos() / math.cos(first), sigma_squared.sqrt() / math.cos(first)

    def time_of(self, sigma: float) -> float:
        """t of a σ_edm, in [0, 1), (2/π) atan(σ_edm) without offset; what the model and γ(t) are asked with.

        Raises:
            ValueError: `sigma` is negative.
        """
        first = self.first_angle
        angle = math.atan(math.sqrt(_not_negative(sigma) ** 2 + math.sin(first) ** 2) / math.cos(first))
        return (angle - first) / (math.pi / 2 - first)


class Flow(Section):
    """Rectified flow's schedule, (2)."""

    kind: Literal["flow"] = "flow"

    def alpha_sigma(self, t: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """α_t and σ_t, in the shape of `t`; α + σ = 1."""
        return 1 - t, t

    def time_of(self, sigma: float) -> float:
        """t = σ_edm / (1 + σ_edm), in [0, 1).

        Raises:
            ValueError: `sigma` is negative.
        """
        return _not_negative(sigma) / (1 + sigma)


class Betas(Section):
    """Latent diffusion's schedule, (3) with √β rising linearly; between two steps ln ᾱ is interpolated.

    Even at t = 1 something of the data is left: σ_edm ends at `largest`.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    kind: Literal["betas"] = "betas"
    first: float = value("β of the first step", default=0.0015, gt=0, lt=1)
    last: float = value("β of the last step", default=0.0195, gt=0, lt=1)
    count: int = value("N, steps", "steps", default=1000, ge=2)

    @cached_property
    def log_alpha_bar(self) -> "np.ndarray":
        """ln ᾱ of steps 0 (data) to N, float64 [N + 1]."""
        import numpy as np

        betas = np.linspace(math.sqrt(self.first), math.sqrt(self.last), self.count) ** 2
        return np.concatenate([[0.0], np.cumsum(np.log1p(-betas))])

    @property
    def largest(self) -> float:
        """σ_edm at t = 1."""
        return math.sqrt(math.expm1(-float(self.log_alpha_bar[-1])))

    def alpha_sigma(self, t: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """α_t and σ_t, in the shape of `t`; α² + σ² = 1."""
        import torch

        levels = torch.from_numpy(self.log_alpha_bar).to(t.device)
        place = t.double().clamp(0, 1) * self.count
        below = place.floor().clamp(max=self.count - 1).long()
        log_alpha_bar = torch.lerp(levels[below], levels[below + 1], place - below)
        return (log_alpha_bar / 2).exp().to(t.dtype), (-torch.expm1(log_alpha_bar)).sqrt().to(t.dtype)

    def time_of(self, sigma: float) -> float:
        """The t of a σ_edm.

        Raises:
            ValueError: `sigma` is negative, or above `largest`.
        """
        import numpy as np

        if _not_negative(sigma) > self.largest * (1 + 1e-9):
            raise ValueError(f"sigma = {sigma}: this schedule ends at {self.largest:.4g}")
        falling = -self.log_alpha_bar  # rises, as np.interp wants it
        return float(np.interp(math.log1p(sigma**2), falling, np.arange(self.count + 1))) / self.count


SCHEDULES = Kinds("noise schedule", Cosine, Flow, Betas)


def _not_negative(sigma: float) -> float:
    if sigma < 0:
        raise ValueError(f"sigma = {sigma}: a noise level is not negative")
    return sigma
