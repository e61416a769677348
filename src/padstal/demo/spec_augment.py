"""SpecAugment (Park et al. 2019) on log-mels, with rolls in time and gains: no small model hears a clip twice the same.

Shape suffixes: B batch, F mel bands, N frames.
"""

import torch
from torch import Tensor

from padstal.foundation.logmel import SCALE_DECIBELS


def augment(
    mel_BFN: Tensor, generator: torch.Generator, *, gain_decibels: float, band_mask: int, frame_mask: int
) -> Tensor:
    """Spectrograms rolled in time, each with a random gain, band mask and frame mask.

    A gain is a shift of log-mel values; masks fill with the clip's mean. `generator` is the CPU's.
    """
    batch, bands, frames = mel_BFN.shape
    out = mel_BFN.clone()
    gain_B = (torch.rand(batch, generator=generator) * 2 - 1) * gain_decibels / SCALE_DECIBELS
    out += gain_B[:, None, None].to(out.device)
    fill_B = out.mean(dim=(1, 2))
    for row in range(batch):
        low, wide, first, long, shift = torch.rand(5, generator=generator).tolist()
        width, length = int(wide * (band_mask + 1)), int(long * (frame_mask + 1))
        at, start = int(low * (bands - width + 1)), int(first * (frames - length + 1))
        out[row] = out[row].roll(int(shift * frames), dims=-1)
        out[row, at : at + width] = fill_B[row]
        out[row, :, start : start + length] = fill_B[row]
    return out
