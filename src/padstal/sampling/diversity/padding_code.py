"""A padding code for each sample, of a denoiser that has learnt to read them (`diffusion/padding_codes.py`).

ĉ = c + s κ at rows of padding while t > τ1, c elsewhere; κ drawn once, kept for all steps                    (1)
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from padstal.core.section import value
from padstal.sampling.diversity.unperturbed import DiversityHooks

if TYPE_CHECKING:
    from torch import Tensor


class PaddingCode(DiversityHooks):
    """Rows of padding say which of the clips that fit a prompt is meant."""

    reads_codes: ClassVar[bool] = True

    kind: Literal["padding_code"] = "padding_code"
    strength: float = value("s: in units of the codes that the denoiser was trained with", ge=0)
    tau1: float = value("τ1: diffusion time below which padding is zero again", default=0.0, ge=0, le=1)

    def perturbs(self, t: float) -> bool:
        return t > self.tau1 and self.strength > 0

    def condition(self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", t: float) -> "Tensor":
        """(1); `noise_BLC` is κ, tiled."""
        import torch

        told_BLC = text_BLC + self.strength * noise_BLC.to(text_BLC)
        return torch.where(mask_BL.unsqueeze(-1), text_BLC, told_BLC)
