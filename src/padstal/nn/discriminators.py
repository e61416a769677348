"""Discriminators: the complex multi-scale STFT one of EnCodec (Défossez et al., 2022) that Stable Audio Open uses, with
as many filters as we can afford, and the one of the Descript Audio Codec (Kumar et al., 2023).

Shape suffixes: B batch, C audio channels, S samples, F bins, K frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

SLOPE = 0.2
SILENT_RMS = 1e-4


@dataclass(frozen=True)
class Verdict:
    """What one discriminator says of a batch: `logits` of any shape, and the `features` of its layers."""

    logits: torch.Tensor
    features: list[torch.Tensor]


def _conv(inputs: int, outputs: int, kernel: tuple[int, int], stride: int = 1, dilation: int = 1) -> nn.Module:
    padding = (dilation * (kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    return weight_norm(nn.Conv2d(inputs, outputs, kernel, (1, stride), padding, (dilation, 1)))


def at_unit_rms(audio_BCS: torch.Tensor) -> torch.Tensor:
    """Each sample divided by its root mean square; silence stays silent."""
    rms_B11 = audio_BCS.square().mean(dim=(1, 2), keepdim=True).sqrt()
    return audio_BCS / rms_B11.clamp(min=SILENT_RMS)


class StftDiscriminator(nn.Module):
    """One scale: real and imaginary parts [B, 2C, K, F] through convolutions dilated in time, strided in frequency.

    With `unit_rms` each sample is brought to unit RMS first (EnCodec does not): the spectra of ordinary music at
    ordinary levels are so small that a fresh network sees its biases and little else.
    """

    window: torch.Tensor

    def __init__(self, channels: int, n_fft: int, filters: int, *, unit_rms: bool = True):
        super().__init__()
        self.n_fft, self.unit_rms = n_fft, unit_rms
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.layers = nn.ModuleList(
            [
                _conv(2 * channels, filters, (3, 9)),
                *(_conv(filters, filters, (3, 9), stride=2, dilation=dilation) for dilation in (1, 2, 4)),
                _conv(filters, filters, (3, 3)),
            ]
        )
        self.outlet = _conv(filters, 1, (3, 3))

    def forward(self, audio_BCS: torch.Tensor) -> Verdict:
        B, C, S = audio_BCS.shape
        with torch.autocast(audio_BCS.device.type, enabled=False):
            audio_BCS = audio_BCS.float()
            spectrum = torch.stft(
                (at_unit_rms(audio_BCS) if self.unit_rms else audio_BCS).reshape(B * C, S),
                self.n_fft,
                self.n_fft // 4,
                window=self.window,
                normalized=True,
                return_complex=True,
            )
        F, K = spectrum.shape[-2:]
        x = torch.view_as_real(spectrum).reshape(B, C, F, K, 2).permute(0, 1, 4, 3, 2).reshape(B, 2 * C, K, F)
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return Verdict(self.outlet(x), features)


class MultiScaleStftDiscriminator(nn.Module):
    """One `StftDiscriminator` a window length."""

    def __init__(self, channels: int, fft_sizes: Sequence[int], filters: int, *, unit_rms: bool = True):
        super().__init__()
        self.scales = nn.ModuleList(
            StftDiscriminator(channels, n_fft, filters, unit_rms=unit_rms) for n_fft in fft_sizes
        )

    def forward(self, audio_BCS: torch.Tensor) -> list[Verdict]:
        return [scale(audio_BCS) for scale in self.scales]


class DacDiscriminator(nn.Module):
    """descript-audio-codec's `Discriminator` (multi-period and multi-band spectrograms); channels join the batch."""

    def __init__(self, sample_rate: int, fft_sizes: Sequence[int], periods: Sequence[int]):
        super().__init__()
        from dac.model.discriminator import Discriminator

        self.inner: Any = Discriminator(fft_sizes=list(fft_sizes), periods=list(periods), sample_rate=sample_rate)

    def forward(self, audio_BCS: torch.Tensor) -> list[Verdict]:
        B, C, S = audio_BCS.shape
        with torch.autocast(audio_BCS.device.type, enabled=False):
            maps = self.inner(audio_BCS.float().reshape(B * C, 1, S))
        return [Verdict(layers[-1], list(layers[:-1])) for layers in maps]
