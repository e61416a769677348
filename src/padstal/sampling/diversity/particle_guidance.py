"""Particle Guidance: the samples of a prompt repel one another (Corso et al. 2023).

    log Φ = − log Σ_{j ≠ i} k(x_i, x_j),   k(x, y) = exp(− ‖x − y‖² / h)                                           (1)
    D_i ← D_i + s σ² ∇_{x_i} log Φ,   ∇_{x_i} log Φ = (2 / h) Σ_j w_ij (x_i − x_j),   w_i = softmax_j(− ‖·‖² / h)   (2)

h is the median of ‖x_i − x_j‖² over ln I, as in Stein's variational descent; the gradient goes through no network. A
sample depends on the others of its prompt, on purpose.

Shape legend: I samples of a prompt, N numbers of a latent.
"""

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from padstal.core.protocols import Group
from padstal.core.section import value
from padstal.sampling.diversity.unperturbed import DiversityHooks

if TYPE_CHECKING:
    from torch import Tensor


class ParticleGuidance(DiversityHooks):
    """Repulsion above a noise level."""

    couples: ClassVar[bool] = True

    kind: Literal["particle_guidance"] = "particle_guidance"
    strength: float = value("s: weight of the repulsion beside the score", ge=0)
    sigma_low: float = value("samples no longer repel one another from here on", "σ_t/α_t", default=0.0, ge=0)

    def guide(self, x_ID: "Tensor", denoised_ID: "Tensor", sigma: float, group: Group) -> "Tensor":
        """(2); a sample that is alone stays as it is."""
        if len(x_ID) < 2 or not self.strength or sigma <= self.sigma_low:
            return denoised_ID
        return denoised_ID + self.strength * sigma**2 * repulsion(x_ID).to(denoised_ID)


def repulsion(x_ID: "Tensor") -> "Tensor":
    """∇ log Φ of (2), float32, in the shape of `x_ID`; zero where all samples are the same."""
    import torch

    x_IN = x_ID.float().flatten(1)
    difference_IIN = x_IN.unsqueeze(1) - x_IN
    squared_II = difference_IIN.square().sum(-1)
    others = ~torch.eye(len(x_IN), dtype=torch.bool, device=x_IN.device)
    median = float(squared_II[others].median())
    if median == 0:
        return torch.zeros_like(x_ID, dtype=torch.float32)
    h = median / math.log(len(x_IN))
    weight_II = (-squared_II / h).masked_fill(~others, -math.inf).softmax(dim=1)
    return ((2 / h) * (weight_II.unsqueeze(-1) * difference_IIN).sum(1)).view_as(x_ID)
