"""The diffusion transformer of Stable Audio Open, which TAL-DM takes over with more latent channels (PADS-TAL 2.3).

Self-attention with rotary positions, cross-attention to the conditioning rows, a gated feed-forward; time and global
conditioning enter as one token before the latent frames. Every branch's last layer starts at zero, so blocks start as
identities; the output projection does not: were it zero too, hardly a gradient would reach the blocks, since v of white
latents is uncorrelated with x_t.

Nothing on the conditioning's way has a bias (`to_cond_embed`, `to_kv`): a row of zeros has key 0 and value 0. Padding
rows stay *visible* to cross-attention: they draw attention (logit 0) and give nothing, and this is the room in which
PADS works.

Shape legend: B batch, D latent channels, T latent frames, W width, H heads, E features of a head, R conditioning rows,
C conditioning features, G global conditioning features.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from padstal.core.protocols import Conditioning
from padstal.nn.attention import attend, split_heads
from padstal.nn.recomputed import Recomputed
from padstal.nn.rotary import rotary_angles, rotate

SILU_GAIN = 1.67
"""1 / √E silu(x)² for x ~ N(0, 1): brings a row's spread back after the activation."""


class DiT(nn.Module):
    """Output of x_t, t and conditioning; a `protocols.Backbone`."""

    def __init__(
        self,
        *,
        latent_channels: int,
        width: int,
        depth: int,
        heads: int,
        cross_heads: int,
        cond_width: int,
        global_width: int,
        feed_forward: int,
        learned_frequencies: bool = False,
    ):
        """Fresh weights.

        Args:
            latent_channels: D.
            width: W, a multiple of `heads`.
            depth: Blocks.
            heads: H, of self-attention and of cross-attention's queries.
            cross_heads: Heads of cross-attention's keys and values; each serves `heads / cross_heads` query heads.
            cond_width: C.
            global_width: G.
            feed_forward: Hidden features of the gated feed-forward, as a multiple of the width.
            learned_frequencies: Whether the time's frequencies are weights.
        """
        super().__init__()
        self.head_width = width // heads
        self.time_features = FourierFeatures(256, learned=learned_frequencies)
        self.to_time_embed = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.to_cond_embed = _bias_free_mlp(cond_width, cond_width)
        self.to_global_embed = _bias_free_mlp(global_width, width)
        self.pre = _zero(nn.Conv1d(latent_channels, latent_channels, 1, bias=False))
        self.project_in = nn.Linear(latent_channels, width, bias=False)
        self.blocks = nn.ModuleList(Block(width, heads, cross_heads, cond_width, feed_forward) for _ in range(depth))
        self.project_out = nn.Linear(width, latent_channels, bias=False)
        self.post = _zero(nn.Conv1d(latent_channels, latent_channels, 1, bias=False))

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """Text and seconds rows as cross-attention reads them; zero stays zero. CADS and PADS act after it."""
        others = dict(conditioning.others)
        rows = [conditioning.text_BLC, others["seconds"]]
        text_BLC, others["seconds"] = self.to_cond_embed(torch.cat(rows, dim=1)).split(
            [r.shape[1] for r in rows], dim=1
        )
        return Conditioning(text_BLC, conditioning.mask_BL, others)

    def forward(self, x_BDT: torch.Tensor, t_B: torch.Tensor, embedded: Conditioning) -> torch.Tensor:
        """Output [B, D, T], float32.

        Args:
            x_BDT: Noised latents.
            t_B: Diffusion time in [0, 1].
            embedded: From `embed`; all its rows are attended to, padding too.
        """
        embedded_BRC = torch.cat([embedded.text_BLC, embedded.others["seconds"]], dim=1)
        # the prepended token: time + global conditioning
        head_BW = self.to_time_embed(self.time_features(t_B)) + self.to_global_embed(embedded.others["global"])
        frames_BTW = self.project_in((x_BDT + self.pre(x_BDT)).transpose(1, 2))
        tokens = torch.cat([head_BW.unsqueeze(1), frames_BTW], dim=1)
        cos, sin = rotary_angles(tokens.shape[1], self.head_width, tokens.device)
        for block in self.blocks:
            tokens = block(tokens, embedded_BRC, cos, sin)
        v_BDT = self.project_out(tokens[:, 1:]).transpose(1, 2)
        return (v_BDT + self.post(v_BDT)).float()


class Block(Recomputed):
    """Self-attention, cross-attention, feed-forward; each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int, cross_heads: int, cond_width: int, feed_forward: int):
        super().__init__()
        self.self_norm = nn.LayerNorm(width, bias=False)
        self.self_attention = SelfAttention(width, heads)
        self.cross_norm = nn.LayerNorm(width, bias=False)
        self.cross_attention = CrossAttention(width, heads, cross_heads, cond_width)
        self.feed_forward_norm = nn.LayerNorm(width, bias=False)
        self.feed_forward = GatedFeedForward(width, feed_forward)

    def forward(
        self, x_BTW: torch.Tensor, embedded_BRC: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        x_BTW = x_BTW + self.self_attention(self.self_norm(x_BTW), cos, sin)
        x_BTW = x_BTW + self.cross_attention(self.cross_norm(x_BTW), embedded_BRC)
        return x_BTW + self.feed_forward(self.feed_forward_norm(x_BTW))


class SelfAttention(nn.Module):
    """Attention among tokens, positions by rotation."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = _zero(nn.Linear(width, width, bias=False))

    def forward(self, x_BTW: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        qkv_3BHTE = split_heads(self.to_qkv(x_BTW), 3, self.heads)
        q_BHTE, k_BHTE = rotate(qkv_3BHTE[:2], cos, sin)
        return self.to_out(attend(q_BHTE, k_BHTE, qkv_3BHTE[2], None))


class CrossAttention(nn.Module):
    """Attention of tokens to conditioning rows: bias-free keys and values, no mask."""

    def __init__(self, width: int, heads: int, cross_heads: int, cond_width: int):
        super().__init__()
        self.heads, self.cross_heads = heads, cross_heads
        self.to_q = _unit(nn.Linear(width, width, bias=False))
        self.to_kv = _unit(nn.Linear(cond_width, 2 * cross_heads * (width // heads), bias=False))
        self.to_out = _zero(nn.Linear(width, width, bias=False))

    def forward(self, x_BTW: torch.Tensor, embedded_BRC: torch.Tensor) -> torch.Tensor:
        [q_BHTE] = split_heads(self.to_q(x_BTW), 1, self.heads)
        kv_2BHRE = split_heads(self.to_kv(embedded_BRC), 2, self.cross_heads)
        if self.heads > self.cross_heads:
            kv_2BHRE = kv_2BHRE.repeat_interleave(self.heads // self.cross_heads, dim=2)
        k_BHRE, v_BHRE = kv_2BHRE
        return self.to_out(attend(q_BHTE, k_BHRE, v_BHRE, None))


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020)."""

    def __init__(self, width: int, multiple: int):
        super().__init__()
        self.to_hidden = nn.Linear(width, 2 * multiple * width)
        self.to_out = _zero(nn.Linear(multiple * width, width))

    def forward(self, x_BTW: torch.Tensor) -> torch.Tensor:
        # two products: the gradient of one would be glued together of two
        halves = zip(self.to_hidden.weight.chunk(2), self.to_hidden.bias.chunk(2), strict=True)
        hidden, gate = (functional.linear(x_BTW, weight, bias) for weight, bias in halves)
        return self.to_out(hidden * functional.silu(gate))


class FourierFeatures(nn.Module):
    """cos and sin of a number at random frequencies (Tancik et al. 2020), fixed or learned from there."""

    frequency: torch.Tensor

    def __init__(self, features: int, *, learned: bool):
        super().__init__()
        frequency = torch.randn(features // 2)
        if learned:
            self.frequency = nn.Parameter(frequency)
        else:
            self.register_buffer("frequency", frequency)

    def forward(self, number_B: torch.Tensor) -> torch.Tensor:
        """[B, features] of [B]."""
        angle = 2 * math.pi * number_B.float().unsqueeze(-1) * self.frequency
        return torch.cat([angle.cos(), angle.sin()], dim=-1)


def _bias_free_mlp(inputs: int, outputs: int) -> nn.Sequential:
    first = _unit(nn.Linear(inputs, outputs, bias=False))
    return nn.Sequential(first, nn.SiLU(), _unit(nn.Linear(outputs, outputs, bias=False), gain=SILU_GAIN))


def _unit(layer: nn.Linear, gain: float = 1.0) -> nn.Linear:
    """Start with weights that keep a row's spread.

    torch's default shrinks it at each layer, and among rows of zeros a conditioning that whispers is learnt slowly.
    """
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features))
    return layer


def _zero(layer: nn.Linear | nn.Conv1d) -> nn.Linear | nn.Conv1d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
