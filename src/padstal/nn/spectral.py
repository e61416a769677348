"""A light autoencoder that works at frame rate: STFT in, ConvNeXt blocks, ISTFT out (after Vocos, Siuzdak, 2023, and
ConvNeXt, Liu et al., 2022). For demo and study, where Oobleck costs too much on a CPU.

Cost of a training step without losses, 16 crops of 16,384 samples, on two cores of a Xeon with AMX, shared with
other work (2026-11-21), in CPU time: this backbone (width 256, hop 256) 0.33 s in float32 and 0.23 s under bfloat16;
Oobleck of width 16 3.2 s in float32, ten times as much, and 9.6 s under bfloat16.

Shape suffixes: B batch, C audio channels, S samples, F bins, K frames of the STFT, T = K / stride latent frames,
D features.

The encoder sees log-magnitudes, without which it would have to learn to square first, and power-compressed complex
spectra X·|X|^(p−1), p = 0.3. The decoder predicts log-magnitude m and phase φ of each bin,

    X̂ = exp(m) · (cos φ + i sin φ)                                                                                (1)
"""

import math

import torch
from torch import nn
from torch.nn import functional

from padstal.nn.stft import analyse, synthesise

COMPRESSION = 0.3
SMALLEST_POWER = 1e-5
LOUDEST = 1e2
"""Magnitudes are cut here, so that an untrained head cannot overflow."""


class ConvNeXtBlock(nn.Module):
    """x + γ·MLP(LayerNorm(depthwise convolution(x))) over time; features last: [B, K, D]."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 1 / max(depth, 1)))

    def forward(self, x_BKD: torch.Tensor) -> torch.Tensor:
        mixed = self.depthwise(x_BKD.transpose(1, 2)).transpose(1, 2)
        return x_BKD + self.gamma * self.down(functional.gelu(self.up(self.norm(mixed)), approximate="tanh"))


def _blocks(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(ConvNeXtBlock(width, depth) for _ in range(depth)))


class SpectralEncoder(nn.Module):
    """Audio [B, C, S] → features [B, outputs, T].

    Args:
        channels: C.
        outputs: Features that come out.
        width: D, features of every block.
        n_fft: Window of the STFT, samples; an even multiple of `hop`.
        hop: Samples of one STFT frame.
        stride: STFT frames of one latent frame.
        depth: ConvNeXt blocks at STFT rate.
        deep_depth: ConvNeXt blocks at latent rate.
    """

    window_W: torch.Tensor

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        width: int,
        n_fft: int,
        hop: int,
        stride: int,
        depth: int,
        deep_depth: int,
    ):
        super().__init__()
        self.hop, self.stride = hop, stride
        self.register_buffer("window_W", torch.hann_window(n_fft), persistent=False)
        self.inlet = nn.Linear(3 * channels * (n_fft // 2 + 1), width)
        self.shallow = _blocks(width, depth)
        self.down = nn.Linear(stride * width, width)
        self.deep = _blocks(width, deep_depth)
        self.norm = nn.LayerNorm(width)
        self.outlet = nn.Linear(width, outputs)

    def forward(self, audio_BCS: torch.Tensor) -> torch.Tensor:
        B, C, S = audio_BCS.shape
        ratio = self.hop * self.stride
        if S % ratio:
            raise ValueError(f"{S} samples are not a whole number of frames of {ratio} samples")
        with torch.autocast(audio_BCS.device.type, enabled=False):
            spectrum = analyse(audio_BCS.float().reshape(B * C, S), self.window_W, self.hop)
            power = spectrum.real**2 + spectrum.imag**2 + SMALLEST_POWER
            scale = power ** ((COMPRESSION - 1) / 2)
            loudness = 0.25 * power.log()
            parts = torch.cat([loudness, spectrum.real * scale, spectrum.imag * scale], dim=-1)
        K = parts.shape[1]
        x_BKD = parts.reshape(B, C, K, -1).transpose(1, 2).reshape(B, K, -1)
        x_BKD = self.shallow(self.inlet(x_BKD))
        x_BTD = self.down(x_BKD.reshape(B, K // self.stride, -1))
        return self.outlet(self.norm(self.deep(x_BTD))).transpose(1, 2)


class SpectralDecoder(nn.Module):
    """Latent [B, inputs, T] → audio [B, C, S]. Of the encoder's form."""

    window_W: torch.Tensor

    def __init__(
        self,
        channels: int,
        inputs: int,
        *,
        width: int,
        n_fft: int,
        hop: int,
        stride: int,
        depth: int,
        deep_depth: int,
    ):
        super().__init__()
        self.channels, self.hop, self.stride = channels, hop, stride
        self.register_buffer("window_W", torch.hann_window(n_fft), persistent=False)
        self.inlet = nn.Conv1d(inputs, width, 3, padding=1)
        self.deep = _blocks(width, deep_depth)
        self.up = nn.Linear(width, stride * width)
        self.shallow = _blocks(width, depth)
        self.norm = nn.LayerNorm(width)
        self.outlet = nn.Linear(width, 2 * channels * (n_fft // 2 + 1))

    def forward(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        B, _, T = latent_BDT.shape
        C, F, K = self.channels, self.outlet.out_features // (2 * self.channels), T * self.stride
        x_BTD = self.deep(self.inlet(latent_BDT).transpose(1, 2))
        x_BKD = self.shallow(self.up(x_BTD).reshape(B, K, -1))
        head = self.outlet(self.norm(x_BKD))
        with torch.autocast(latent_BDT.device.type, enabled=False):
            log_magnitude, phase = head.float().reshape(B, K, C, 2, F).transpose(1, 2).reshape(B * C, K, 2, F).unbind(2)
            magnitude = log_magnitude.clamp(max=math.log(LOUDEST)).exp()
            spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())  # (1)
            return synthesise(spectrum, self.window_W, self.hop).reshape(B, C, K * self.hop)
