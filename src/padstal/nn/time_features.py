"""Diffusion time as sines, the way of the transformer's positions (Vaswani et al. 2017)."""

import math

import torch

TIME_FEATURES = 256
TIME_SCALE = 1000.0
"""Diffusion time in [0, 1] is told as a step of 1,000."""


def time_features(t_B: torch.Tensor) -> torch.Tensor:
    """cos and sin of 1000 t at frequencies from 1 to 1/10,000, [B, 256] (Vaswani et al. 2017)."""
    half = TIME_FEATURES // 2
    frequency = torch.exp(-math.log(10_000.0) * torch.arange(half, dtype=torch.float32, device=t_B.device) / half)
    angle = TIME_SCALE * t_B.float().unsqueeze(-1) * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)
