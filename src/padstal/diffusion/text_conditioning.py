"""What QA-MDT's and DiscoDiff's denoisers are told: text rows with their mask; QA-MDT's also the quality (4.1).

Without text stands one learned row in place of all.

Shape legend: B batch, L text positions, C features of a row.
"""

import torch
from torch import nn

from padstal.core.protocols import Attributes, Conditioning, TextStates
from padstal.diffusion.conditioning import masked_rows


class TextConditioner(nn.Module):
    """A `Conditioner`; the level is a number from 1 to 5, 0 where it is unknown."""

    def __init__(self, width: int, quality: bool):
        super().__init__()
        self.width, self.quality = width, quality
        self.attributes = ("quality",) if quality else ()
        self.null_row_C = nn.Parameter(torch.randn(width))

    def forward(self, text: TextStates, attributes: Attributes) -> Conditioning:
        others = {name: attributes[name] for name in self.attributes}
        return Conditioning(masked_rows(text, self.width), text.mask_BL, others)

    def null(self, conditioning: Conditioning) -> Conditioning:
        """The learned row, and nothing else; the level is kept."""
        first_L = torch.arange(conditioning.mask_BL.shape[1], device=conditioning.mask_BL.device) == 0
        text_LC = torch.where(first_L.unsqueeze(-1), self.null_row_C, 0.0)
        text_BLC = text_LC.to(conditioning.text_BLC.dtype).expand_as(conditioning.text_BLC)
        return Conditioning(text_BLC, first_L.expand_as(conditioning.mask_BL), conditioning.others)
