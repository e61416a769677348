"""CADS and PADS: noise on the conditioning that fades as sampling goes on (Sadat et al. 2024; PADS-TAL 2.1).

    ĉ = √γ(t) c + s √(1 − γ(t)) n                                                          (1)  CADS, all text rows
    ĉ = c ⊙ (1 − M) + (√γ(t) c + s √(1 − γ(t)) n) ⊙ M                                      (2)  PADS, low-saliency rows
    M_i = 1 where i ≥ L_sal or i ≥ L − L_min, 0-indexed                                    (3)

γ rises from 0 at τ2 (and above, towards noise, t = 1) to 1 at τ1 (and below, towards data, t = 0), so corruption
comes first. L_sal counts a prompt's real tokens, the end of sequence among them, so with L_min = 0 the mask M is the
padding.

Where: on the text rows that `DiT.embed_conditioning` (`to_cond_embed`) gives, the place the authors' code takes. s is
relative to the scale of rows *there*; it means something else before that layer or in another model. The seconds rows
and the global conditioning are never touched. Only sampling perturbs; training never does.

Shape legend: B batch, L text rows, C features of a row.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch

PerturbationMode = Literal["none", "cads", "pads"]
NullPerturbation = Literal["none", "independent", "shared"]


@dataclass(frozen=True)
class Perturbation:
    """One setting of CADS or PADS.

    Attributes:
        mode: "cads" perturbs all text rows, "pads" those of M, "none" nothing.
        strength: s, the noise's standard deviation where γ = 0.
        tau1: τ1, the time below which the conditioning is whole.
        tau2: τ2, the time above which it is all noise.
        rescale: ψ of CADS: 0 leaves ĉ as it is, 1 gives it each sample's own mean and spread back.
        min_low: L_min, final rows that count as low-saliency whatever they hold.
        perturb_uncond: Whether guidance's null branch stays clean ("none"), gets the same noise ("shared") or its own.
    """

    mode: PerturbationMode = "none"
    strength: float = 0.0
    tau1: float = 1.0
    tau2: float = 1.0
    rescale: float = 0.0
    min_low: int = 0
    perturb_uncond: NullPerturbation = "none"

    def __post_init__(self) -> None:
        if not 0 <= self.tau1 <= self.tau2 <= 1:
            raise ValueError(f"tau1 = {self.tau1}, tau2 = {self.tau2}: expected 0 ≤ tau1 ≤ tau2 ≤ 1")
        if self.strength < 0:
            raise ValueError(f"strength = {self.strength}: expected ≥ 0")
        if not 0 <= self.rescale <= 1:
            raise ValueError(f"rescale = {self.rescale}: expected 0 ≤ ψ ≤ 1")
        if self.min_low < 0:
            raise ValueError(f"min_low = {self.min_low}: expected ≥ 0 rows")
        if self.mode == "pads" and self.rescale > 0:
            raise ValueError(
                f"rescale = {self.rescale} with PADS: expected 0, since the rescaling would move the semantic rows"
            )

    def gamma(self, t: float) -> float:
        """γ(t) at diffusion time t (no step's number): 1 up to τ1, straight down to 0 at τ2; a step where τ1 = τ2."""
        # (1) of the slides; t ≤ τ1 comes first, so that τ1 = τ2 divides by nothing
        if t <= self.tau1:
            return 1.0
        if t >= self.tau2:
            return 0.0
        return (self.tau2 - t) / (self.tau2 - self.tau1)

    def active(self, t: float) -> bool:
        """Whether (1) or (2) changes anything at t."""
        return self.mode != "none" and self.gamma(t) < 1.0

    def rows(self, mask_BL: torch.Tensor) -> torch.Tensor:
        """Rows that are perturbed [B, L], from the tokenizer's mask: M for PADS, all for CADS, none otherwise."""
        match self.mode:
            case "none":
                return torch.zeros_like(mask_BL, dtype=torch.bool)
            case "cads":
                return torch.ones_like(mask_BL, dtype=torch.bool)
            case "pads":
                return low_saliency(mask_BL, self.min_low)

    def apply(self, c_BLC: torch.Tensor, rows_BL: torch.Tensor, noise_BLC: torch.Tensor, t: float) -> torch.Tensor:
        """ĉ [B, L, C], in the dtype of c; rows outside `rows_BL` keep every bit.

        Args:
            c_BLC: Embedded text rows.
            rows_BL: From `rows`.
            noise_BLC: n, float32.
            t: Diffusion time.
        """
        if not self.active(t):
            return c_BLC
        gamma = self.gamma(t)
        clean_BLC = c_BLC.float()
        # (1), (2)
        noisy_BLC = math.sqrt(gamma) * clean_BLC + self.strength * math.sqrt(1 - gamma) * noise_BLC
        if self.rescale:
            noisy_BLC = rescaled(noisy_BLC, clean_BLC, self.rescale)
        return torch.where(rows_BL.unsqueeze(-1), noisy_BLC.to(c_BLC.dtype), c_BLC)


def low_saliency(mask_BL: torch.Tensor, min_low: int) -> torch.Tensor:
    """M of (3), [B, L], True where a row is low-saliency; each sample has its own.

    Args:
        mask_BL: The tokenizer's mask, True at real tokens, the end of sequence among them.
        min_low: L_min.

    Raises:
        ValueError: The mask is not right-padded, so that its sum is not L_sal.
    """
    mask_BL = mask_BL.bool()
    length = mask_BL.shape[1]
    L_sal_B1 = mask_BL.sum(dim=1, keepdim=True)
    position_L = torch.arange(length, device=mask_BL.device)
    if not torch.equal(mask_BL, position_L < L_sal_B1):
        raise ValueError("token mask has a gap or padding on the left: expected real tokens first, then padding")
    return (position_L >= L_sal_B1) | (position_L >= length - min_low)


def rescaled(noisy_BLC: torch.Tensor, clean_BLC: torch.Tensor, psi: float) -> torch.Tensor:
    """CADS' rescaling: ŷ_r = (ŷ − mean ŷ) / std ŷ · std y + mean y, then ψ ŷ_r + (1 − ψ) ŷ.

    Statistics are each sample's own, so that a sample does not depend on its batch. A sample without spread is left
    as it is.
    """
    noisy_std, noisy_mean = torch.std_mean(noisy_BLC, dim=(1, 2), keepdim=True)
    clean_std, clean_mean = torch.std_mean(clean_BLC, dim=(1, 2), keepdim=True)
    matched_BLC = (noisy_BLC - noisy_mean) / noisy_std * clean_std + clean_mean
    mixed_BLC = psi * matched_BLC + (1 - psi) * noisy_BLC
    return torch.where(torch.isfinite(mixed_BLC).all(dim=(1, 2), keepdim=True), mixed_BLC, noisy_BLC)
