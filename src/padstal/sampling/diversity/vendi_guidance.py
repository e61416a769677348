"""Vendi score guidance: up the gradient of the prompt's own Vendi score (Askari Hemmat et al. 2024).

    Φ = log VS = − tr(ρ log ρ),   ρ = K / I,   c_ij = ρ_ij (log ρ)_ij                                                (1)

The bank that a sample is to differ from is the prompt's other samples. The paper's second term holds samples
near real exemplars of a region (the c of c-VSG); captions of music have no counterpart, and it is left out.
"""

from typing import TYPE_CHECKING, Literal

from padstal.sampling.diversity.repulsion import Repulsion

if TYPE_CHECKING:
    from torch import Tensor


class VendiGuidance(Repulsion):
    """(1)."""

    kind: Literal["vendi_guidance"] = "vendi_guidance"

    def weights(self, log_kernel_II: "Tensor") -> "Tensor":
        import torch

        density_II = log_kernel_II.double().exp() / len(log_kernel_II)
        eigenvalues_I, vectors_II = torch.linalg.eigh(density_II)
        logarithm_II = (vectors_II * eigenvalues_I.clamp(min=1e-12).log()) @ vectors_II.T
        return (density_II * logarithm_II).to(log_kernel_II)
