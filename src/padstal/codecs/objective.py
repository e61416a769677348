"""The objectives: what is added up, with which weight, in one place.

Audio only (Stable Audio Open), feature matching and waveform L1 being auxiliary:

    L = α_adv L_adv + α_fm L_fm + α_mrstft L_mrstft + α_l1 L_l1 + α_kl KL(z)                                      (1)

MoE-style multimodal (PADS-TAL 2.2), ten terms; (2) adds the two auxiliary ones of the authors' released configuration:

    L = α_adv L_adv + α_LA L_LA
        + α_mrstft (½ L_mrstft(z_m, w_m) + ½ L_mrstft(z_p, w_m))
        + α_ce (½ L_ce(z_p, w_t) + ½ L_ce(z_m, w_t))
        + α_kl (KL(z_m) + KL(z_p) + KL(w_m) + KL(w_t))
        + α_fm L_fm + α_l1 L_l1                                                                                   (2)

L_adv, L_fm and L_l1 are means over own and cross reconstruction.
"""

from dataclasses import dataclass, fields

import torch

from padstal.codecs.config import AudioWeights, TalWeights


@dataclass(frozen=True)
class AudioTerms:
    """The terms of (1), unweighted scalars."""

    adversarial: torch.Tensor
    feature_matching: torch.Tensor
    mrstft: torch.Tensor
    waveform: torch.Tensor
    kl: torch.Tensor

    def total(self, weights: AudioWeights) -> torch.Tensor:
        """(1)."""
        return (
            weights.adversarial * self.adversarial
            + weights.feature_matching * self.feature_matching
            + weights.mrstft * self.mrstft
            + weights.waveform * self.waveform
            + weights.kl * self.kl
        )


@dataclass(frozen=True)
class TalTerms:
    """The terms of (2), unweighted scalars."""

    adversarial: torch.Tensor
    alignment: torch.Tensor
    mrstft_own: torch.Tensor
    mrstft_cross: torch.Tensor
    ce_own: torch.Tensor
    ce_cross: torch.Tensor
    kl_z_m: torch.Tensor
    kl_z_p: torch.Tensor
    kl_w_m: torch.Tensor
    kl_w_t: torch.Tensor
    feature_matching: torch.Tensor
    waveform: torch.Tensor

    def total(self, weights: TalWeights) -> torch.Tensor:
        """(2)."""
        return (
            weights.adversarial * self.adversarial
            + weights.alignment * self.alignment
            + weights.mrstft * (0.5 * self.mrstft_own + 0.5 * self.mrstft_cross)
            + weights.ce * (0.5 * self.ce_own + 0.5 * self.ce_cross)
            + weights.kl_z_m * self.kl_z_m
            + weights.kl_z_p * self.kl_z_p
            + weights.kl_w_m * self.kl_w_m
            + weights.kl_w_t * self.kl_w_t
            + weights.feature_matching * self.feature_matching
            + weights.waveform * self.waveform
        )


def scalars(terms: AudioTerms | TalTerms) -> dict[str, torch.Tensor]:
    """The terms by name."""
    return {field.name: getattr(terms, field.name) for field in fields(terms)}
