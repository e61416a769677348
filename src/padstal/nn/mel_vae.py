"""A light convolutional VAE of log-mel spectrograms, ÷4 in time and bands, for demo and study.

Patches of 4 × 4 become features, ConvNeXt blocks (Liu et al. 2022) work at the rate of the latent, and patches come
out again: full resolution, where AudioLDM's VAE spends its time, is never convolved. Bands differ, so each row of
patches has a learned vector of its own.

Shape suffixes: B batch, T frames, M mel bands, D latent channels, N = T/4, G = M/4, C features.
"""

import torch
from torch import nn
from torch.nn import functional

PATCH = 4
"""Frames, and bands, of a latent position."""
LOG_VARIANCE = (-12.0, 4.0)
"""Limits of a posterior's log-variance."""


class Block(nn.Module):
    """x + γ·MLP(LayerNorm(depthwise convolution(x))) over time and bands: [B, C, N, G]."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 1 / max(depth, 1)))

    def forward(self, x_BCNG: torch.Tensor) -> torch.Tensor:
        mixed_BNGC = self.depthwise(x_BCNG).permute(0, 2, 3, 1)
        change_BNGC = self.gamma * self.down(functional.gelu(self.up(self.norm(mixed_BNGC)), approximate="tanh"))
        return x_BCNG + change_BNGC.permute(0, 3, 1, 2)


class MelVae(nn.Module):
    """Log-mels [B, T, M] ↔ latents [B, D, T/4, M/4].

    Args:
        bands: M, a multiple of 4.
        latent_channels: D.
        width: C, features of a block.
        depth: Blocks of the encoder, and of the decoder.
    """

    mean_M: torch.Tensor
    spread_M: torch.Tensor

    def __init__(self, bands: int, latent_channels: int, width: int, depth: int):
        super().__init__()
        self.register_buffer("mean_M", torch.zeros(bands))
        self.register_buffer("spread_M", torch.ones(bands))
        self.inlet = nn.Conv2d(1, width, PATCH, stride=PATCH)
        self.inlet_row = nn.Parameter(torch.zeros(width, 1, bands // PATCH))
        self.encoder = nn.Sequential(*(Block(width, depth) for _ in range(depth)))
        self.to_latent = nn.Conv2d(width, 2 * latent_channels, 1)
        self.from_latent = nn.Conv2d(latent_channels, width, 3, padding=1)
        self.outlet_row = nn.Parameter(torch.zeros(width, 1, bands // PATCH))
        self.decoder = nn.Sequential(*(Block(width, depth) for _ in range(depth)))
        self.outlet = nn.Conv2d(width, PATCH * PATCH, 3, padding=1)

    def posterior(self, mel_BTM: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance, each [B, D, T/4, M/4]."""
        x_B1TM = ((mel_BTM - self.mean_M) / self.spread_M)[:, None]
        x_BCNG = self.encoder(self.inlet(x_B1TM) + self.inlet_row)
        mean, log_variance = self.to_latent(x_BCNG).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def decode(self, latent_BDNG: torch.Tensor) -> torch.Tensor:
        """Log-mels [B, T, M]."""
        x_BCNG = self.decoder(self.from_latent(latent_BDNG) + self.outlet_row)
        mel_BTM = functional.pixel_shuffle(self.outlet(x_BCNG), PATCH)[:, 0]
        return mel_BTM * self.spread_M + self.mean_M
