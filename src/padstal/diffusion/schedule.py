"""The noise schedule: x_t = α_t x_0 + σ_t ε with α_t = cos(πt/2), σ_t = sin(πt/2) (Salimans & Ho 2022).

Time runs from t = 0, data, to t = 1, noise. Solvers count in σ_edm = σ_t / α_t = tan(πt/2) (Karras et al. 2022).
"""

import math

import torch


def alpha_sigma(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """α_t and σ_t, in the shape of `t`; α² + σ² = 1."""
    angle = t * (math.pi / 2)
    return torch.cos(angle), torch.sin(angle)


def log_snr(t: torch.Tensor) -> torch.Tensor:
    """λ_t = log(α_t² / σ_t²): +∞ at t = 0, −∞ at t = 1, 0 half-way."""
    return -2 * torch.log(torch.tan(t * (math.pi / 2)))


def sigma_edm(t: float) -> float:
    """σ_edm = σ_t / α_t = tan(πt/2) of one t in [0, 1).

    Raises:
        ValueError: `t` lies outside; at t = 1 nothing of the data is left and σ_edm is infinite.
    """
    if not 0 <= t < 1:
        raise ValueError(f"t = {t}: expected 0 ≤ t < 1")
    return math.tan(math.pi * t / 2)


def time_of(sigma: float) -> float:
    """t = (2/π) atan(σ_edm), in [0, 1); what the model and γ(t) are asked with.

    Raises:
        ValueError: `sigma` is negative.
    """
    if sigma < 0:
        raise ValueError(f"sigma = {sigma}: a noise level is not negative")
    return 2 / math.pi * math.atan(sigma)
