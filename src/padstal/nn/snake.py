"""Snake, the periodic activation of "Neural Networks Fail to Learn Periodic Functions" (Ziyin et al., 2020):

    snake(x) = x + sin²(αx) / α                                                                                   (1)

with one α a channel, and the second parameter β of BigVGAN in place of the divisor, both kept as logarithms.
"""

import torch
from torch import nn


class Snake(nn.Module):
    """(1) on [B, channels, S]; at start α = β = 1."""

    def __init__(self, channels: int):
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(channels, 1))
        self.log_beta = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x_BCS: torch.Tensor) -> torch.Tensor:
        sine = torch.sin(x_BCS * self.log_alpha.exp())
        return x_BCS + sine * sine / (self.log_beta.exp() + 1e-9)  # (1)
