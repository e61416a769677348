"""SPARKE: samples repel one another by the order-2 Rényi kernel entropy of similar prompts (Jalali et al. 2025).

    Φ = log RKE,   RKE = (Σ_i k_ii)² / Σ_ij k_ij²,   c_ij = 2 k_ij² / Σ_lm k_lm²                                     (1)

The paper weighs each pair by the likeness of their prompts. Here a prompt's samples alone are compared: likeness 1
within a prompt and 0 between two, so that what a prompt gives does not depend on the prompts before it.
"""

from typing import TYPE_CHECKING, Literal

from padstal.sampling.diversity.repulsion import Repulsion

if TYPE_CHECKING:
    from torch import Tensor


class Sparke(Repulsion):
    """(1)."""

    kind: Literal["sparke"] = "sparke"

    def weights(self, log_kernel_II: "Tensor") -> "Tensor":
        squared_II = (2 * log_kernel_II).exp()
        return 2 * squared_II / squared_II.sum()
