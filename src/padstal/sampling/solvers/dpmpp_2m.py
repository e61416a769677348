"""Solvers of the probability-flow ODE dx/dσ = (x − D(x, σ)) / σ, in σ_edm = σ_t / α_t (Karras et al. 2022).

x = x_t / α_t = x_0 + σ ε, and D is the denoiser, E[x_0 | x]. In these coordinates Euler is DDIM, and DPM-Solver's λ
is −log σ. `sigmas` fall and may end in 0, where every solver returns D. All are deterministic: one x_T, one result.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch

Denoise = Callable[[torch.Tensor, float], torch.Tensor]
"""D(x, σ)."""
Steps = Callable[[Sequence[int]], Iterable[int]]
"""Wraps the steps' numbers in a progress bar."""
SolverName = Literal["ddim", "dpm2", "dpmpp_2m"]


def exponential_sigmas(steps: int, sigma_min: float, sigma_max: float) -> list[float]:
    """`steps` noise levels in geometric progression from σ_max to σ_min, then 0.

    Raises:
        ValueError: Not 0 < σ_min < σ_max, or no step.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}: expected at least 1")
    if not 0 < sigma_min < sigma_max:
        raise ValueError(f"sigma_min = {sigma_min}, sigma_max = {sigma_max}: expected 0 < sigma_min < sigma_max")
    ratio = math.log(sigma_min / sigma_max) / max(1, steps - 1)
    return [*(sigma_max * math.exp(ratio * step) for step in range(steps)), 0.0]


def ddim(denoise: Denoise, x: torch.Tensor, sigmas: Sequence[float], steps: Steps = iter) -> torch.Tensor:
    """Euler's method, which here is DDIM (Song et al. 2021): order 1, one evaluation a step."""
    for i in steps(range(len(sigmas) - 1)):
        sigma, following = sigmas[i], sigmas[i + 1]
        slope = (x - denoise(x, sigma)) / sigma
        x = x + slope * (following - sigma)
    return x


def dpm2(denoise: Denoise, x: torch.Tensor, sigmas: Sequence[float], steps: Steps = iter) -> torch.Tensor:
    """DPM-Solver-2 as k-diffusion's `k-dpm-2`: midpoint in log σ, order 2, two evaluations a step."""
    for i in steps(range(len(sigmas) - 1)):
        sigma, following = sigmas[i], sigmas[i + 1]
        slope = (x - denoise(x, sigma)) / sigma
        if following == 0:
            x = x + slope * (following - sigma)
            continue
        middle = math.sqrt(sigma * following)
        x_middle = x + slope * (middle - sigma)
        slope_middle = (x_middle - denoise(x_middle, middle)) / middle
        x = x + slope_middle * (following - sigma)
    return x


def dpmpp_2m(denoise: Denoise, x: torch.Tensor, sigmas: Sequence[float], steps: Steps = iter) -> torch.Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): order 2, one evaluation a step, reusing the last one's D."""
    last_denoised, last_h = None, 0.0
    for i in steps(range(len(sigmas) - 1)):
        sigma, following = sigmas[i], sigmas[i + 1]
        denoised = denoise(x, sigma)
        if following == 0:
            return denoised
        h = math.log(sigma / following)
        if last_denoised is None:
            direction = denoised
        else:
            r = last_h / h
            direction = (1 + 1 / (2 * r)) * denoised - 1 / (2 * r) * last_denoised
        # x ← e^(−h) x − (e^(−h) − 1) D
        x = following / sigma * x - math.expm1(-h) * direction
        last_denoised, last_h = denoised, h
    return x


SOLVERS: dict[SolverName, Callable[..., torch.Tensor]] = {"ddim": ddim, "dpm2": dpm2, "dpmpp_2m": dpmpp_2m}
