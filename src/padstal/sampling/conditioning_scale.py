"""What a strength s is to be read against: the scale of the conditioning at the place where CADS and PADS act."""

from collections.abc import Iterable
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
def conditioning_scale(denoiser: Denoiser, batches: Iterable[Conditioning]) -> ConditioningScale:
    """Scale of the conditioning of prompts, batch by batch."""
    rows = real = numbers = squares = 0.0
    for conditioning in batches:
        mask_BL = conditioning.mask_BL
        salient = denoiser.embed(conditioning).text_BLC[mask_BL]
        rows, real = rows + mask_BL.numel(), real + len(salient)
        numbers, squares = numbers + salient.numel(), squares + float(salient.square().sum(dtype=torch.float64))
    return ConditioningScale(1 - real / rows, (squares / numbers) ** 0.5)
