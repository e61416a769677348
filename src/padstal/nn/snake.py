"""Snake, the periodic activation of "Neural Networks Fail to Learn Periodic Functions" (Ziyin et al., 2020):

    snake(x) = x + sin²(αx) / β                                                                                   (1)
    ∂/∂x = 1 + α sin(2αx) / β,    ∂/∂α = x sin(2αx) / β,    ∂/∂β = −sin²(αx) / β²                                 (2)

with one α a channel, and the second parameter β of BigVGAN in place of the divisor α, both kept as logarithms.

What comes in half precision goes out so, computed in float32 between; of it the input alone is kept for (2). When
compiled, the compiler differentiates (1): of a `Function` that works in place, torch 2.11 gives gradients of zero.
"""

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

SMALLEST = 1e-9
"""Added to β."""


class Snake(nn.Module):
    """(1) on [B, channels, S]; at start α = β = 1."""

    def __init__(self, channels: int):
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(channels, 1))
        self.log_beta = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x_BCS: torch.Tensor) -> torch.Tensor:
        alpha_C1, beta_C1 = self.log_alpha.exp(), self.log_beta.exp() + SMALLEST
        if torch.compiler.is_compiling():
            wide_BCS = _wide(x_BCS)
            return (wide_BCS + (wide_BCS * alpha_C1).sin().square() / beta_C1).to(x_BCS.dtype)
        activated: torch.Tensor = _Snake.apply(x_BCS, alpha_C1, beta_C1)
        return activated


class _Snake(torch.autograd.Function):
    """(1) and (2) of x, α and β."""

    @staticmethod
    def forward(ctx: Any, x_BCS: torch.Tensor, alpha_C1: torch.Tensor, beta_C1: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x_BCS, alpha_C1, beta_C1)
        wide_BCS = _wide(x_BCS)
        sine_BCS = (wide_BCS * alpha_C1).sin_()
        return sine_BCS.mul_(sine_BCS).div_(beta_C1).add_(wide_BCS).to(x_BCS.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BCS: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x_BCS, alpha_C1, beta_C1 = ctx.saved_tensors
        wide_BCS, above_BCS = _wide(x_BCS), _wide(gradient_BCS)
        angle_BCS = wide_BCS * alpha_C1
        by_beta_BCS = angle_BCS.sin().square_().mul_(above_BCS)
        beta_gradient = by_beta_BCS.sum((0, 2)).unsqueeze(1) / -beta_C1.square()
        del by_beta_BCS
        by_angle_BCS = angle_BCS.mul_(2).sin_().mul_(above_BCS).div_(beta_C1)
        alpha_gradient = (by_angle_BCS * wide_BCS).sum((0, 2)).unsqueeze(1)
        return by_angle_BCS.mul_(alpha_C1).add_(above_BCS).to(x_BCS.dtype), alpha_gradient, beta_gradient


def _wide(x: torch.Tensor) -> torch.Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
