"""What repels the samples of a prompt from one another: the gradient of a potential Φ of all of them.

    k_ij = exp(− ‖x_i − x_j‖² / h),   h = median ‖x_i − x_j‖² / ln I                                               (1)
    D_i ← D_i + s σ² ∇_{x_i} Φ,   ∇_{x_i} Φ = (4 / h) Σ_j c_ij (x_i − x_j)                                         (2)

h is Stein's variational descent's; a potential names its c. The gradient goes through no network, and a sample depends
on the others of its prompt, on purpose.

Shape legend: I samples of a prompt, N numbers of a latent.
"""

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from padstal.core.protocols import Group
from padstal.core.section import value
from padstal.sampling.diversity.unperturbed import DiversityHooks

if TYPE_CHECKING:
    from torch import Tensor


class Repulsion(DiversityHooks):
    """(2) above a noise level."""

    couples: ClassVar[bool] = True

    strength: float = value("s: weight of the repulsion beside the score", ge=0)
    sigma_low: float = value("samples no longer repel one another from here on", "σ_t/α_t", default=0.0, ge=0)

    @abstractmethod
    def weights(self, log_kernel_II: "Tensor") -> "Tensor":
        """c [I, I] of the potential, from log k; its diagonal counts for nothing."""

    def guide(self, x_ID: "Tensor", denoised_ID: "Tensor", sigma: float, group: Group) -> "Tensor":
        """(2); a sample that is alone stays as it is."""
        if len(x_ID) < 2 or not self.strength or sigma <= self.sigma_low:
            return denoised_ID
        return denoised_ID + self.strength * sigma**2 * self.gradient(x_ID).to(denoised_ID)

    def gradient(self, x_ID: "Tensor") -> "Tensor":
        """∇Φ of (2), float32, in the shape of `x_ID`; zero where all samples are the same."""
        import torch

        x_IN = x_ID.float().flatten(1)
        difference_IIN = x_IN.unsqueeze(1) - x_IN
        squared_II = difference_IIN.square().sum(-1)
        others = ~torch.eye(len(x_IN), dtype=torch.bool, device=x_IN.device)
        median = float(squared_II[others].median())
        if median == 0:
            return torch.zeros_like(x_ID, dtype=torch.float32)
        h = median / math.log(len(x_IN))
        weight_II = self.weights(-squared_II / h)
        return ((4 / h) * (weight_II.unsqueeze(-1) * difference_IIN).sum(1)).view_as(x_ID)
