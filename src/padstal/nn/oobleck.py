"""Oobleck, the convolutional autoencoder of Stable Audio Open: strided convolutions, dilated residual units and Snake
on the waveform (Evans et al., 2024, "Stable Audio Open"; after the Descript Audio Codec).

Shape suffixes: B batch, C audio channels, S samples, D latent features, T frames.

Every convolution carries a weight norm. The ratio S/T is the product of the strides and is exact.

Cost on a CPU: see `spectral.py`.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from padstal.nn.snake import Snake

DILATIONS = (1, 3, 9)


@dataclass(frozen=True)
class OobleckConfig:
    """Form of an encoder or decoder.

    Attributes:
        channels: Audio channels.
        width: Channels at full rate; the deepest layer has `width · multiples[-1]`.
        multiples: Channels of each level, in units of `width`.
        strides: Downsampling between the levels.
    """

    channels: int
    width: int
    multiples: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.multiples) != len(self.strides):
            raise ValueError(f"{len(self.multiples)} multiples {self.multiples} for {len(self.strides)} strides")

    @property
    def ratio(self) -> int:
        return math.prod(self.strides)

    @property
    def levels(self) -> list[int]:
        return [self.width, *(self.width * multiple for multiple in self.multiples)]


def _conv(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> nn.Module:
    return weight_norm(nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2))


class ResidualUnit(nn.Module):
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
    """Audio [B, C, S] → features [B, outputs, T]; S must be a whole number of frames."""

    def __init__(self, config: OobleckConfig, outputs: int):
        super().__init__()
        levels = config.levels
        blocks = [
            DownBlock(wide, deep, stride)
            for wide, deep, stride in zip(levels, levels[1:], config.strides, strict=False)
        ]
        self.layers = nn.Sequential(
            _conv(config.channels, levels[0], 7), *blocks, Snake(levels[-1]), _conv(levels[-1], outputs, 3)
        )

    def forward(self, audio_BCS: torch.Tensor) -> torch.Tensor:
        return self.layers(audio_BCS)


class OobleckDecoder(nn.Module):
    """Latent [B, inputs, T] → audio [B, C, S]; no tanh at the end."""

    def __init__(self, config: OobleckConfig, inputs: int):
        super().__init__()
        levels = config.levels[::-1]
        blocks = [
            UpBlock(deep, wide, stride)
            for deep, wide, stride in zip(levels, levels[1:], config.strides[::-1], strict=False)
        ]
        self.layers = nn.Sequential(
            _conv(inputs, levels[0], 7), *blocks, Snake(levels[-1]), _conv(levels[-1], config.channels, 7)
        )

    def forward(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        return self.layers(latent_BDT)
