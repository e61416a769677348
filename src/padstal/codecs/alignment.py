"""Latent alignment: the only term that ties the modalities together (PADS-TAL 2.2).

    L_LA(z_m, z_p) = 1/D · ‖μ_zm − μ_zp‖²                                                                         (1)

averaged over batch and frames; on means, not draws, and with gradient to both sides. It is zero too where both means
are constant, so watch their variance.
"""

import torch


def alignment_loss(mean_zm_BDT: torch.Tensor, mean_zp_BDT: torch.Tensor) -> torch.Tensor:
    """(1) of two means of one shape.

    Raises:
        ValueError: The shapes differ (broadcasting would hide it).
    """
    if mean_zm_BDT.shape != mean_zp_BDT.shape:
        raise ValueError(
            f"means of shapes {tuple(mean_zm_BDT.shape)} and {tuple(mean_zp_BDT.shape)}: expected equal ones"
        )
    return (mean_zm_BDT - mean_zp_BDT).square().mean()
