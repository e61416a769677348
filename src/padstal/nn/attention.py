"""Attention with several heads, as both transformers compute it.

Shape legend: B batch, P positions, Q queries, K keys, H heads, E features of a head.
"""

import torch
from torch.nn import functional


def split_heads(x_BPX: torch.Tensor, parts: int, heads: int) -> torch.Tensor:
    """[parts, B, H, P, E] of [B, P, parts · H · E] in one copy, laid out as attention's products read it."""
    return x_BPX.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).contiguous()


def attend(q_BHQE: torch.Tensor, k_BHKE: torch.Tensor, v_BHKE: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
    """What each query reads, heads side by side, [B, Q, H · E]; `seen` as attention's mask, None for all keys."""
    y_BHQE = functional.scaled_dot_product_attention(q_BHQE, k_BHKE, v_BHKE, attn_mask=seen)
    return y_BHQE.transpose(1, 2).flatten(2)
