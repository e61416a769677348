"""CADS: annealed noise on all text rows (Sadat et al. 2024).

ŷ = √γ y + s √(1 − γ) n                                                                                       (1)
ŷ_r = (ŷ − mean ŷ) / std ŷ · std y + mean y,   y ← ψ ŷ_r + (1 − ψ) ŷ                                          (2)
"""

from typing import TYPE_CHECKING, Literal

from padstal.core.section import value
from padstal.sampling.diversity.annealing import Annealing

if TYPE_CHECKING:
    from torch import Tensor


class Cads(Annealing):
    """Every text row is perturbed."""

    kind: Literal["cads"] = "cads"
    rescale: float = value("ψ: share of the rescaling to the clean rows' mean and spread", ge=0, le=1)

    def condition(self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", t: float) -> "Tensor":
        """(1), (2); in the dtype of the rows."""
        noisy_BLC = self.annealed(text_BLC, mask_BL, noise_BLC, t)
        if self.rescale:
            noisy_BLC = rescaled(noisy_BLC, text_BLC.float(), self.rescale)
        return noisy_BLC.to(text_BLC.dtype)


def rescaled(noisy_BLC: "Tensor", clean_BLC: "Tensor", psi: float) -> "Tensor":
    """(2). Statistics are each sample's own, so that a sample does not depend on its batch.

    A sample without spread is left as it is.
    """
    import torch

    noisy_std, noisy_mean = torch.std_mean(noisy_BLC, dim=(1, 2), keepdim=True)
    clean_std, clean_mean = torch.std_mean(clean_BLC, dim=(1, 2), keepdim=True)
    matched_BLC = (noisy_BLC - noisy_mean) / noisy_std * clean_std + clean_mean
    mixed_BLC = psi * matched_BLC + (1 - psi) * noisy_BLC
    return torch.where(torch.isfinite(mixed_BLC).all(dim=(1, 2), keepdim=True), mixed_BLC, noisy_BLC)
