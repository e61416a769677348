"""Annealed noise on conditioning rows, which CADS and PADS share (Sadat et al. 2024; PADS-TAL 2.1).

    ĉ = √γ(t) c + s √(1 − γ(t)) n                                                                                 (1)

γ rises from 0 at τ2 (and above, towards noise, t = 1) to 1 at τ1 (and below, towards data, t = 0), so corruption comes
first.

Where: on the text rows that `Backbone.embed` gives, the place the authors' code takes. s is relative to the scale of
rows *there*; it means something else before that layer or in another model, unless `unit` has it count in that scale.
The seconds rows and the global conditioning are never touched. Only sampling perturbs; training never does.

Shape legend: B batch, L text rows, C features of a row.
"""

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from padstal.core.protocols import Noise
from padstal.core.section import value
from padstal.sampling.diversity.unperturbed import DiversityHooks

if TYPE_CHECKING:
    from torch import Tensor


class Annealing(DiversityHooks):
    """γ(t) and the noise that it weighs."""

    strength: float = value("s: standard deviation of the noise on embedded text rows, where γ = 0", ge=0)
    tau1: float = value("τ1: diffusion time below which the conditioning is whole", ge=0, le=1)
    tau2: float = value("τ2: diffusion time above which it is all noise", ge=0, le=1)
    unit: Literal["absolute", "salient_rms"] = value(
        "what s counts in: absolute, as published, or root mean squares of the sample's embedded real rows",
        default="absolute",
    )
    perturb_uncond: Literal["none", "independent", "shared"] = value(
        "noise on the null branch of guidance", default="none"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Any:
        if self.tau1 > self.tau2:
            raise ValueError(f"tau1 = {self.tau1} must not exceed tau2 = {self.tau2}")
        if self.unit != "absolute" and self.perturb_uncond != "none":
            raise ValueError(f"unit = {self.unit}: the null branch has no real rows; expected perturb_uncond none")
        return self

    def gamma(self, t: float) -> float:
        """γ(t) at diffusion time t (no step's number): 1 up to τ1, straight down to 0 at τ2; a step where τ1 = τ2."""
        # t ≤ τ1 comes first, so that τ1 = τ2 divides by nothing
        if t <= self.tau1:
            return 1.0
        if t >= self.tau2:
            return 0.0
        return (self.tau2 - t) / (self.tau2 - self.tau1)

    def perturbs(self, t: float) -> bool:
        """Whether (1) changes anything at t."""
        return self.gamma(t) < 1.0

    def annealed(self, c_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", t: float) -> "Tensor":
        """(1), float32."""
        gamma, c_BLC = self.gamma(t), c_BLC.float()
        if self.unit == "salient_rms":
            square_B = (c_BLC.square().mean(2) * mask_BL).sum(1) / mask_BL.sum(1)
            noise_BLC = noise_BLC * square_B.sqrt().view(-1, 1, 1)
        return math.sqrt(gamma) * c_BLC + self.strength * math.sqrt(1 - gamma) * noise_BLC

    def condition_uncond(
        self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", own: Noise, t: float
    ) -> "Tensor":
        """The null branch's rows: clean, with the same noise, or with their own."""
        match self.perturb_uncond:
            case "shared":
                return self.condition(text_BLC, mask_BL, noise_BLC, t)
            case "independent":
                return self.condition(text_BLC, mask_BL, own(), t)
            case _:
                return text_BLC
