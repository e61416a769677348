"""PADS: annealed noise on low-saliency text rows alone, and semantic rows keep every bit (PADS-TAL 2.1).

    ĉ = c ⊙ (1 − M) + (√γ(t) c + s √(1 − γ(t)) n) ⊙ M                                                             (1)
    M_i = 1 where i ≥ L_sal or i ≥ L − L_min, 0-indexed                                                           (2)

L_sal counts a prompt's real tokens, the end of sequence among them, so with L_min = 0 the mask M is the padding. There
is no rescaling as in CADS: it would move the semantic rows.
"""

from typing import TYPE_CHECKING, Literal

from padstal.core.section import value
from padstal.sampling.diversity.annealing import Annealing

if TYPE_CHECKING:
    from torch import Tensor


class Pads(Annealing):
    """The rows of M are perturbed."""

    kind: Literal["pads"] = "pads"
    min_low: int = value("L_min: final rows that are perturbed whatever they hold", "rows", default=0, ge=0)

    def condition(self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", t: float) -> "Tensor":
        """(1); in the dtype of the rows."""
        import torch

        noisy_BLC = self.annealed(text_BLC, mask_BL, noise_BLC, t).to(text_BLC.dtype)
        return torch.where(low_saliency(mask_BL, self.min_low).unsqueeze(-1), noisy_BLC, text_BLC)


def low_saliency(mask_BL: "Tensor", min_low: int) -> "Tensor":
    """M of (2), [B, L], True where a row is low-saliency; each sample has its own.

    Args:
        mask_BL: The tokenizer's mask, True at real tokens, the end of sequence among them.
        min_low: L_min.

    Raises:
        ValueError: The mask is not right-padded, so that its sum is not L_sal.
    """
    import torch

    mask_BL = mask_BL.bool()
    length = mask_BL.shape[1]
    L_sal_B1 = mask_BL.sum(dim=1, keepdim=True)
    position_L = torch.arange(length, device=mask_BL.device)
    if not torch.equal(mask_BL, position_L < L_sal_B1):
        raise ValueError("token mask has a gap or padding on the left: expected real tokens first, then padding")
    return (position_L >= L_sal_B1) | (position_L >= length - min_low)
