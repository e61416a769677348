"""Particle Guidance: the samples of a prompt repel one another (Corso et al. 2023).

Φ_i = − log Σ_{j ≠ i} k_ij,   c_ij = ½ k_ij / Σ_{l ≠ i} k_il                                                    (1)
"""

import math
from typing import TYPE_CHECKING, Literal

from padstal.sampling.diversity.repulsion import Repulsion

if TYPE_CHECKING:
    from torch import Tensor


class ParticleGuidance(Repulsion):
    """(1): each sample's own potential."""

    kind: Literal["particle_guidance"] = "particle_guidance"

    def weights(self, log_kernel_II: "Tensor") -> "Tensor":
        return 0.5 * log_kernel_II.clone().fill_diagonal_(-math.inf).softmax(dim=1)
