"""What a strength s is to be read against: the scale of the conditioning at the place where CADS and PADS act."""

from dataclasses import dataclass

import torch

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser


@dataclass(frozen=True)
class ConditioningScale:
    """Of some prompts.

    Attributes:
        padding_share: Share of text rows that are padding, mean over prompts.
        salient_rms: Root mean square of the embedded rows of real tokens, where the noise is added.
    """

    padding_share: float
    salient_rms: float


@torch.inference_mode()
def conditioning_scale(denoiser: Denoiser, conditioning: Conditioning) -> ConditioningScale:
    """Scale of the conditioning of a batch of prompts."""
    mask_BL = conditioning.mask_BL
    salient = denoiser.embed(conditioning).text_BLC[mask_BL]
    return ConditioningScale(1 - float(mask_BL.float().mean()), float(salient.square().mean().sqrt()))
