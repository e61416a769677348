"""Rotary position embedding (Su et al. 2021) on the first half of each head's features, as Stable Audio Open has it.

Shape legend: B batch, H heads, T positions, E features of a head.
"""

import torch


def rotary_angles(
    positions: int, head_width: int, device: torch.device, base: float = 10_000.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of the angles that each position's feature pairs are turned by, each [T, E/4], float32."""
    pairs = max(head_width // 4, 1)
    frequency = base ** (-torch.arange(pairs, dtype=torch.float32, device=device) / pairs)
    angle = torch.outer(torch.arange(positions, dtype=torch.float32, device=device), frequency)
    return angle.cos(), angle.sin()


def rotate(x_BHTE: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """`x_BHTE` with its first features turned in pairs, the others kept, in its own dtype.

    Products of queries and keys then depend on positions through their difference alone.
    """
    turned = 2 * cos.shape[-1]
    first, second = x_BHTE[..., :turned].float().chunk(2, dim=-1)
    rotated = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return torch.cat([rotated.to(x_BHTE.dtype), x_BHTE[..., turned:]], dim=-1)
