"""What ties the modalities together.

Latent alignment, the paper's only such term (PADS-TAL 2.2):

    L_LA(z_m, z_p) = 1/D · ‖μ_zm − μ_zp‖²                                                                         (1)

averaged over batch and frames; on means, not draws, and with gradient to both sides. It is zero too where both means
are constant, so watch their variance.

InfoNCE (van den Oord et al., 2018), which constant means do not lower, in both directions as CLIP has it:

    c_ij = cos(μ_zm of clip i, μ_zp of clip j) / τ
    L_nce = −mean_i ½ (log softmax_j(c_ij)_i + log softmax_j(c_ji)_i)                                             (2)
"""

import torch
from torch.nn import functional

TEMPERATURE = 0.1
"""τ of (2)."""


def alignment_loss(mean_zm_BDT: torch.Tensor, mean_zp_BDT: torch.Tensor) -> torch.Tensor:
    """(1) of two means of one shape.

    Raises:
        ValueError: The shapes differ (broadcasting would hide it).
    """
    _alike(mean_zm_BDT, mean_zp_BDT)
    return (mean_zm_BDT - mean_zp_BDT).square().mean()


def contrastive_loss(mean_zm_BDT: torch.Tensor, mean_zp_BDT: torch.Tensor) -> torch.Tensor:
    """(2) of two means of one shape, each clip's flattened.

    Raises:
        ValueError: The shapes differ.
    """
    _alike(mean_zm_BDT, mean_zp_BDT)
    zm_BE, zp_BE = (functional.normalize(mean.flatten(1), dim=1) for mean in (mean_zm_BDT, mean_zp_BDT))
    logits_BB, own_B = zm_BE @ zp_BE.T / TEMPERATURE, torch.arange(len(zm_BE), device=zm_BE.device)
    return (functional.cross_entropy(logits_BB, own_B) + functional.cross_entropy(logits_BB.T, own_B)) / 2


def _alike(mean_zm_BDT: torch.Tensor, mean_zp_BDT: torch.Tensor) -> None:
    if mean_zm_BDT.shape != mean_zp_BDT.shape:
        raise ValueError(
            f"means of shapes {tuple(mean_zm_BDT.shape)} and {tuple(mean_zp_BDT.shape)}: expected equal ones"
        )
