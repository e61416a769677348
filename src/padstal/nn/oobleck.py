"""Oobleck, the convolutional autoencoder of Stable Audio Open: strided convolutions, dilated residual units and Snake
on the waveform (Evans et al., 2024, "Stable Audio Open"; after the Descript Audio Codec).

Shape suffixes: B batch, C audio channels, S samples, D latent features, T frames.

Every convolution carries a weight norm. The ratio S/T is the product of the strides and is exact.

Cost on a CPU: see `spectral.py`.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from padstal.nn.recomputed import Recomputed
from padstal.nn.snake import Snake

DILATIONS = (1, 3, 9)


def _conv(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> nn.Module:
    return weight_norm(nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2))


class ResidualUnit(Recomputed):
    """x + Conv1(Snake(Conv7 of the given dilation(Snake(x))))."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.layers = nn.Sequential(
            Snake(width), _conv(width, width, 7, dilation=dilation), Snake(width), _conv(width, width, 1)
        )

    def forward(self, x_BDS: torch.Tensor) -> torch.Tensor:
        return x_BDS + self.layers(x_BDS)


class DownBlock(nn.Sequential):
    """Three residual units, then a convolution of the given stride."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__(
            *(ResidualUnit(inputs, dilation) for dilation in DILATIONS),
            Snake(inputs),
            _Strided(inputs, outputs, stride),
        )


class _Strided(nn.Module):
    """Convolution with kernel 2·stride whose output is exactly `stride` times shorter, odd strides included."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.padding = (stride // 2, stride - stride // 2)
        self.conv = weight_norm(nn.Conv1d(inputs, outputs, 2 * stride, stride))

    def forward(self, x_BDS: torch.Tensor) -> torch.Tensor:
        return self.conv(nn.functional.pad(x_BDS, self.padding))


class UpBlock(nn.Module):
    """A transposed convolution of the given stride, then three residual units."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride = stride
        self.snake = Snake(inputs)
        self.up = weight_norm(nn.ConvTranspose1d(inputs, outputs, 2 * stride, stride))
        self.units = nn.Sequential(*(ResidualUnit(outputs, dilation) for dilation in DILATIONS))

    def forward(self, x_BDS: torch.Tensor) -> torch.Tensor:
        up = self.up(self.snake(x_BDS))
        start = self.stride // 2
        return self.units(up[..., start : start + self.stride * x_BDS.shape[-1]])


class OobleckEncoder(nn.Module):
    """Audio [B, C, S] → features [B, outputs, T]; S must be a whole number of frames.

    Args:
        channels: C.
        outputs: Features that come out.
        width: Channels at full rate; the deepest level has `width · multiples[-1]`.
        multiples: Channels of each level, in units of `width`.
        strides: Downsampling between the levels, one a multiple.
    """

    def __init__(self, channels: int, outputs: int, *, width: int, multiples: Sequence[int], strides: Sequence[int]):
        super().__init__()
        levels = [width, *(width * multiple for multiple in multiples)]
        blocks = [DownBlock(wide, deep, stride) for (wide, deep), stride in zip(pairwise(levels), strides, strict=True)]
        self.layers = nn.Sequential(
            _conv(channels, levels[0], 7), *blocks, Snake(levels[-1]), _conv(levels[-1], outputs, 3)
        )

    def forward(self, audio_BCS: torch.Tensor) -> torch.Tensor:
        return self.layers(audio_BCS)


class OobleckDecoder(nn.Module):
    """Latent [B, inputs, T] → audio [B, C, S]; no tanh at the end. Of the encoder's form."""

    def __init__(self, channels: int, inputs: int, *, width: int, multiples: Sequence[int], strides: Sequence[int]):
        super().__init__()
        levels = [width, *(width * multiple for multiple in multiples)][::-1]
        blocks = [
            UpBlock(deep, wide, stride) for (deep, wide), stride in zip(pairwise(levels), strides[::-1], strict=True)
        ]
        self.layers = nn.Sequential(
            _conv(inputs, levels[0], 7), *blocks, Snake(levels[-1]), _conv(levels[-1], channels, 7)
        )

    def forward(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        return self.layers(latent_BDT)
