"""QA-MDT's masked diffusion transformer (QA-MDT 4.2): patches of a latent, a quality token, and hidden patches.

    encoder: N blocks with long skips, N/2 in and N/2 out, on the visible patches alone               (5)
    side:    one block on all, learned tokens in the hidden places; visible ones stay as they were
    decoder: M blocks on all, each told the input once more                                           (6)

Hidden patches exist in training alone, and are *dropped* from the encoder: that is where the time is saved. With all
visible the side block is passed over. The quality token goes first through all blocks, has no position, is never
hidden, and leaves before the last layer. Time enters by modulation that all blocks share but for a table of each
(adaLN-single, PixArt-α); text through cross-attention.

Shape legend: B batch, D latent channels, L frames, F bands, P patches, E numbers of a patch, K patches that the encoder
sees, W width, H heads, A features of a head, R text rows, C features of a text row.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from padstal.core.protocols import Conditioning, Hidden
from padstal.nn.attention import attend, split_heads
from padstal.nn.patches import Patches
from padstal.nn.quality_embedding import QualityEmbedding
from padstal.nn.recomputed import Recomputed
from padstal.nn.rotary import rotary_angles_2d, rotate
from padstal.nn.time_features import TIME_FEATURES, time_features

Hide = Callable[[int], Hidden]
"""From the number of patches to which are hidden."""


class Mdt(nn.Module):
    """Output of x_t, t and conditioning; a `protocols.Backbone`."""

    def __init__(
        self,
        *,
        latent_shape: tuple[int, int, int],
        patch: tuple[int, int],
        overlap: tuple[int, int],
        width: int,
        heads: int,
        encoder_blocks: int,
        decoder_blocks: int,
        feed_forward: int,
        cond_width: int,
        quality: bool,
        positions: Literal["rope2d", "sincos"],
        padding: Literal["masked", "visible"],
    ):
        """Fresh weights.

        Args:
            latent_shape: (D, L, F).
            patch: (p_l, p_f).
            overlap: (o_l, o_f).
            width: W, a multiple of `heads`.
            heads: H.
            encoder_blocks: N, even.
            decoder_blocks: M.
            feed_forward: Hidden features of the feed-forward, as a multiple of the width.
            cond_width: C.
            quality: Whether there is a quality token.
            positions: Rotation of queries and keys along both axes, or sums of sines at the input and a learned table
                before the decoder, as the released code has it.
            padding: Whether cross-attention sees rows of padding, which are zero: the room of PADS.
        """
        super().__init__()
        channels, *form = latent_shape
        self.cut = Patches((form[0], form[1]), patch, overlap)
        self.heads, self.positions, self.padding = heads, positions, padding
        numbers = channels * patch[0] * patch[1]
        self.to_tokens = nn.Linear(numbers, width)
        self.to_text = nn.Linear(cond_width, width, bias=False)
        self.quality = QualityEmbedding(width) if quality else None
        self.to_time = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        to_modulation = nn.Linear(width, 6 * width)
        self.to_modulation = nn.Sequential(nn.SiLU(), to_modulation)

        def blocks(count: int, skip: bool) -> nn.ModuleList:
            return nn.ModuleList(Block(width, heads, feed_forward, skip=skip) for _ in range(count))

        self.encoder_in, self.encoder_out = blocks(encoder_blocks // 2, False), blocks(encoder_blocks // 2, True)
        self.side, self.decoder = blocks(1, False)[0], blocks(decoder_blocks, True)
        self.hidden_token = nn.Parameter(0.02 * torch.randn(width))
        self.last_table = nn.Parameter(torch.randn(2, width) / math.sqrt(width))
        self.to_patches = nn.Linear(width, numbers)
        for layer in (to_modulation, self.to_patches):
            nn.init.normal_(layer.weight, std=0.02)
        if positions == "sincos":
            self.register_buffer("place_PW", sines(*self.cut.grid, width), persistent=False)
            self.decoder_place_PW = nn.Parameter(torch.zeros(self.cut.count, width))

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """Text rows as cross-attention reads them, and the quality token; diversity methods act after it."""
        others = dict(conditioning.others)
        if self.quality is not None:
            others["quality_token"] = self.quality(others["quality"])
        return Conditioning(self.to_text(conditioning.text_BLC), conditioning.mask_BL, others)

    def forward(
        self, x_BDLF: torch.Tensor, t_B: torch.Tensor, embedded: Conditioning, hide: Hide | None = None
    ) -> torch.Tensor:
        """Output [B, D, L, F], float32.

        Args:
            x_BDLF: Noised latents.
            t_B: Diffusion time in [0, 1].
            embedded: From `embed`.
            hide: Which patches are hidden, in training; None for none.
        """
        tokens_BPW = self.to_tokens(self.cut.extract(x_BDLF))
        if self.positions == "sincos":
            tokens_BPW = tokens_BPW + self.place_PW
        time_BW = self.to_time(time_features(t_B))
        shared = self.to_modulation(time_BW).unflatten(-1, (6, -1))
        text = embedded.text_BLC, embedded.mask_BL[:, None, None] if self.padding == "masked" else None
        first = embedded.others["quality_token"].unsqueeze(1) if self.quality is not None else tokens_BPW[:, :0]
        prefix = first.shape[1]
        cos, sin = self._angles(prefix, tokens_BPW.device)
        input_BPW = torch.cat([first, tokens_BPW], dim=1)

        if hide is None:
            x_BPW = self._encode(input_BPW, shared, text, cos, sin, None)
            if self.positions == "sincos":
                x_BPW = torch.cat([x_BPW[:, :prefix], x_BPW[:, prefix:] + self.decoder_place_PW], dim=1)
        else:
            hidden = hide(self.cut.count)
            hidden_BP = functional.pad(hidden.mask_BP.to(x_BDLF.device), (prefix, 0), value=False)
            x_BPW = self._encode_visible(input_BPW, replace(hidden, mask_BP=hidden_BP), shared, text, cos, sin)
            token_PW = self.hidden_token.expand(len(hidden_BP[0]), -1)
            if self.positions == "sincos":
                place_PW = functional.pad(self.decoder_place_PW, (0, 0, prefix, 0))
                x_BPW, token_PW = x_BPW + place_PW, token_PW + place_PW
            hidden_BP1 = hidden_BP.unsqueeze(-1)
            filled_BPW = torch.where(hidden_BP1, token_PW.to(x_BPW.dtype), x_BPW)
            beside_BPW = self.side(filled_BPW, shared, text, cos, sin)
            # visible patches stay as they were; the quality token has listened
            kept_BP1 = ~hidden_BP1
            kept_BP1[:, :prefix] = False
            x_BPW = torch.where(kept_BP1, filled_BPW, beside_BPW)
        for block in self.decoder:
            x_BPW = block(x_BPW, shared, text, cos, sin, skip=input_BPW)
        shift, scale = (self.last_table + time_BW.unsqueeze(1)).unsqueeze(2).unbind(1)
        x_BPW = functional.layer_norm(x_BPW[:, prefix:], x_BPW.shape[-1:]) * (1 + scale) + shift
        return self.cut.assemble(self.to_patches(x_BPW).float())

    def _encode(
        self,
        x_BKW: torch.Tensor,
        shared: torch.Tensor,
        text: "Text",
        cos: torch.Tensor,
        sin: torch.Tensor,
        seen: torch.Tensor | None,
    ) -> torch.Tensor:
        """(5): what comes out of an in-block goes to the out-block that mirrors it."""
        skips = []
        for block in self.encoder_in:
            x_BKW = block(x_BKW, shared, text, cos, sin, seen=seen)
            skips.append(x_BKW)
        for block in self.encoder_out:
            x_BKW = block(x_BKW, shared, text, cos, sin, skip=skips.pop(), seen=seen)
        return x_BKW

    def _encode_visible(
        self,
        x_BPW: torch.Tensor,
        hidden: Hidden,
        shared: torch.Tensor,
        text: "Text",
        cos: torch.Tensor,
        sin: torch.Tensor,
    ) -> torch.Tensor:
        """[B, P, W] with the encoder's output at visible tokens; what stands at hidden ones means nothing.

        Samples may hide different numbers: the encoder gets as many tokens as the fullest may have, and where a sample
        has fewer, some hidden ones, which nobody attends to.
        """
        hidden_BP = hidden.mask_BP
        kept_BK = hidden_BP.int().argsort(dim=1, stable=True)[:, : hidden_BP.shape[1] - hidden.fewest]
        places_BKW = kept_BK.unsqueeze(-1).expand(-1, -1, x_BPW.shape[-1])
        seen = None
        if hidden.fewest < hidden.most:
            seen = (~hidden_BP.gather(1, kept_BK))[:, None, None]
        if self.positions == "rope2d":
            cos, sin = cos[kept_BK].unsqueeze(1), sin[kept_BK].unsqueeze(1)
        encoded_BKW = self._encode(x_BPW.gather(1, places_BKW), shared, text, cos, sin, seen)
        return torch.zeros_like(x_BPW, dtype=encoded_BKW.dtype).scatter(1, places_BKW, encoded_BKW)

    def _angles(self, prefix: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotation of each token; none for the quality token, nor where positions are summed."""
        head_width = self.to_tokens.out_features // self.heads
        if self.positions == "sincos":
            return torch.ones(1, 0, device=device), torch.zeros(1, 0, device=device)
        cos, sin = rotary_angles_2d(*self.cut.grid, head_width, device)
        return functional.pad(cos, (0, 0, prefix, 0), value=1.0), functional.pad(sin, (0, 0, prefix, 0))


Text = tuple[torch.Tensor, torch.Tensor | None]
"""Rows [B, R, W], and which of them are attended to, bool [B, 1, 1, R]; None for all."""


class Block(Recomputed):
    """Self-attention, cross-attention, feed-forward; the first and the last modulated by time."""

    def __init__(self, width: int, heads: int, feed_forward: int, *, skip: bool):
        super().__init__()
        self.heads = heads
        self.merge = _first_half(nn.Linear(2 * width, width)) if skip else None
        self.table = nn.Parameter(torch.randn(6, width) / math.sqrt(width))
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_out = nn.Linear(width, width)
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width, bias=False)
        self.cross_out = nn.Linear(width, width)
        nn.init.zeros_(self.cross_out.weight)
        nn.init.zeros_(self.cross_out.bias)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(feed_forward * width, width),
        )

    def forward(
        self,
        x_BTW: torch.Tensor,
        shared: torch.Tensor,
        text: Text,
        cos: torch.Tensor,
        sin: torch.Tensor,
        *,
        skip: torch.Tensor | None = None,
        seen: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """One block.

        Args:
            x_BTW: Tokens.
            shared: Modulation of all blocks [B, 6, W].
            text: What cross-attention reads.
            cos, sin: Rotation of each token.
            skip: Tokens that are merged in before.
            seen: Which tokens are attended to, bool [B, 1, 1, T]; None for all.
        """
        if self.merge is not None:
            assert skip is not None
            x_BTW = self.merge(torch.cat([x_BTW, skip], dim=-1))
        shift, scale, gate, late_shift, late_scale, late_gate = (self.table + shared).unsqueeze(2).unbind(1)
        normal_BTW = functional.layer_norm(x_BTW, x_BTW.shape[-1:]) * (1 + scale) + shift
        qkv_3BHTA = split_heads(self.to_qkv(normal_BTW), 3, self.heads)
        q_BHTA, k_BHTA = rotate(qkv_3BHTA[:2], cos, sin) if cos.shape[-1] else qkv_3BHTA[:2]
        v_BHTA = qkv_3BHTA[2]
        x_BTW = x_BTW + gate * self.to_out(attend(q_BHTA, k_BHTA, v_BHTA, seen))
        rows_BRW, real = text
        [q_BHTA] = split_heads(self.to_q(x_BTW), 1, self.heads)
        k_BHRA, v_BHRA = split_heads(self.to_kv(rows_BRW), 2, self.heads)
        x_BTW = x_BTW + self.cross_out(attend(q_BHTA, k_BHRA, v_BHRA, real))
        normal_BTW = functional.layer_norm(x_BTW, x_BTW.shape[-1:]) * (1 + late_scale) + late_shift
        return x_BTW + late_gate * self.feed_forward(normal_BTW)


def sines(rows: int, columns: int, width: int) -> torch.Tensor:
    """Sums of sines for places of a grid, row by row, [P, W]: half of the features by row, half by column."""
    frequency = 10_000.0 ** (-torch.arange(width // 4, dtype=torch.float32) / (width // 4))
    row = torch.outer(torch.arange(rows, dtype=torch.float32).repeat_interleave(columns), frequency)
    column = torch.outer(torch.arange(columns, dtype=torch.float32).repeat(rows), frequency)
    return torch.cat([row.sin(), row.cos(), column.sin(), column.cos()], dim=-1)


def _first_half(layer: nn.Linear) -> nn.Linear:
    """Start by passing on the first half of what comes in: a fresh transformer with skips is one without."""
    width = layer.out_features
    with torch.no_grad():
        layer.weight.copy_(torch.cat([torch.eye(width), torch.zeros(width, width)], dim=1))
        layer.bias.zero_()
    return layer
