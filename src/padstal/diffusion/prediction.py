"""The v-parameterisation: v = α ε − σ x_0, and the way from v to x_0 and ε (Salimans & Ho 2022, appendix D).

(x_t, v) is (x_0, ε) turned by the angle πt/2, so each identity below is a rotation. Shape legend: B batch, D
channels, T frames. `alpha` and `sigma` broadcast against the latents: scalars, or [B, 1, 1].
"""

import torch


def noised(x0_BDT: torch.Tensor, noise_BDT: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """x_t of data and noise."""
    # (1) x_t = α x_0 + σ ε
    return alpha * x0_BDT + sigma * noise_BDT


def velocity(x0_BDT: torch.Tensor, noise_BDT: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """v of data and noise: what the denoiser is asked for."""
    # (2) v = α ε − σ x_0
    return alpha * noise_BDT - sigma * x0_BDT


def data_of(x_t_BDT: torch.Tensor, v_BDT: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """x_0 of x_t and v."""
    # (3) x_0 = α x_t − σ v
    return alpha * x_t_BDT - sigma * v_BDT


def noise_of(x_t_BDT: torch.Tensor, v_BDT: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """ε of x_t and v."""
    # (4) ε = σ x_t + α v
    return sigma * x_t_BDT + alpha * v_BDT
