"""Padding codes: in the text rows that carry no meaning, a code that a denoiser learns to read (padstal's own).

    e_i ← e_i + σ κ_{i mod R}   at rows of padding; κ of R rows, standard normal                                     (1)

A caption fits many clips, and an aligned model settles for a few of them. In training each clip has a code of its own,
made of its id, so the model is given something to choose by; in sampling each sample draws one (`sampling/diversity`),
and s = 0 is the model alone. Rows of real tokens keep every bit, and the null branch never sees a code.

Shape legend: B batch, R rows of a code, L text rows, C features of a row.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from padstal.core.protocols import Conditioning
from padstal.core.section import Section, value
from padstal.core.streams import generator

if TYPE_CHECKING:
    import torch

CODE_STREAM = 6


class PaddingCodes(Section):
    """What codes look like, and how a denoiser learns to read them."""

    rows: int = value("R, rows of a code; padding repeats them", "rows", default=8, ge=1)
    scale: float = value("σ, standard deviation of a code on embedded text rows", default=0.6, gt=0)
    share: float = value("share of training clips that are told their code; the others' padding is zero", ge=0, le=1)
    jitter: float = value("standard deviation, in σ, of what a clip's code is changed by at each use", ge=0)

    def of_clips(self, clip_ids: Sequence[str], width: int) -> "torch.Tensor":
        """κ of clips [B, R, C]: the same at every step and in every run."""
        import torch

        names = (int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "big") for clip in clip_ids)
        return torch.stack([torch.randn(self.rows, width, generator=generator(name, CODE_STREAM)) for name in names])

    def on(self, embedded: Conditioning, code_BRC: "torch.Tensor") -> Conditioning:
        """(1)."""
        import torch

        text_BLC, mask_BL = embedded.text_BLC, embedded.mask_BL
        told_BLC = text_BLC + self.tiled(code_BRC, text_BLC.shape[1]).to(text_BLC)
        return Conditioning(torch.where(mask_BL.unsqueeze(-1), text_BLC, told_BLC), mask_BL, embedded.others)

    def tiled(self, code_BRC: "torch.Tensor", length: int) -> "torch.Tensor":
        """σ κ_{i mod R} of `length` rows, [B, L, C]."""
        return self.scale * code_BRC.repeat(1, -(-length // self.rows), 1)[:, :length]
