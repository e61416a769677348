"""Rotary position embedding (Su et al. 2021): along one axis on the first half of each head's features, as Stable Audio
Open has it, or along two axes on all of them, half of the pairs an axis, as QA-MDT has it.

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


def rotary_angles_2d(
    rows: int, columns: int, head_width: int, device: torch.device, base: float = 100.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for places of a grid, row by row, each [T, E/2]: the first E/4 pairs turn by row, the others by column.

    Raises:
        ValueError: A head's width is no multiple of 4.
    """
    if head_width % 4:
        raise ValueError(f"heads of {head_width} features: expected a multiple of 4 for two axes")
    pairs = head_width // 4
    frequency = base ** (-torch.arange(pairs, dtype=torch.float32, device=device) / pairs)
    row, column = (torch.arange(count, dtype=torch.float32, device=device) for count in (rows, columns))
    angle = torch.cat(
        [
            torch.outer(row.repeat_interleave(columns), frequency),
            torch.outer(column.repeat(rows), frequency),
        ],
        dim=-1,
    )
    return angle.cos(), angle.sin()


def rotate(x_BHTE: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """`x_BHTE` with its first features turned in pairs, the others kept, in its own dtype.

    Angles are [T, …], or [B, 1, T, …] where samples have tokens of their own.
    Products of queries and keys then depend on positions through their difference alone.
    """
    turned = 2 * cos.shape[-1]
    first, second = x_BHTE[..., :turned].float().chunk(2, dim=-1)
    rotated = (first * cos - second * sin, second * cos + first * sin)
    return torch.cat([*(half.to(x_BHTE.dtype) for half in rotated), x_BHTE[..., turned:]], dim=-1)
