"""The one-dimensional U-Net of DiscoDiff, a `protocols.Backbone` (DiscoDiff 3.3; sizes of its released code).

    stem → level 0 → ↓ → level 1 → ↓ … level N → middle → level N → ↑ → … level 0 → output

A level is residual blocks, linear attention after the second and the following, and cross-attention to the text after
the last; on the way up each residual block reads besides what its mirror on the way down gave. Each is told time and
the first text row by FiLM:

    h ← GroupNorm(conv(x)) · (1 + scale) + shift                                                                  (1)

The middle attends among all frames. Each ↓ halves the frames, so their number is a multiple of 2^N.

Shape legend: B batch, D latent channels generated, E lower ones told, T latent frames, W channels of a level, H heads,
F features of a head, L text positions, C features of a row, V features of the FiLM vector.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from padstal.core.protocols import Conditioning
from padstal.nn.recomputed import Recomputed
from padstal.nn.time_features import TIME_FEATURES, time_features

EPSILON = 1e-6


class UNet1d(nn.Module):
    """Output of x_t, t and conditioning, which may hold a lower latent of the same frames."""

    def __init__(
        self,
        *,
        latent_channels: int,
        lower_channels: int,
        width: int,
        multiples: tuple[int, ...],
        blocks: int,
        attentions: int,
        groups: int,
        heads: int,
        linear_features: int,
        cross_features: int,
        cond_width: int,
        padding: str,
    ):
        """Fresh weights.

        Args:
            latent_channels: D.
            lower_channels: E, of the latent that it is told besides; 0 for none.
            width: Channels of the first level, a multiple of `groups`.
            multiples: Channels that each level ends with on the way down, in units of `width`.
            blocks: Residual blocks of a level, each way.
            attentions: How many of them linear attention follows; fewer than `blocks`.
            groups: Of group normalisation.
            heads: H.
            linear_features: F of linear attention and of the middle's.
            cross_features: F of cross-attention.
            cond_width: C.
            padding: Rows of padding in cross-attention: "masked" or "visible".
        """
        super().__init__()
        self.padding, self.halvings = padding, len(multiples) - 1
        half = 4 * width
        self.to_time = nn.Sequential(nn.Linear(TIME_FEATURES, half), nn.SiLU(), nn.Linear(half, half))
        self.to_text = nn.Sequential(nn.Linear(cond_width, half), nn.SiLU(), nn.Linear(half, half))
        channels = [width, *(width * multiple for multiple in multiples)]

        def block(inputs: int, outputs: int) -> ResidualBlock:
            return ResidualBlock(inputs, outputs, 2 * half, groups)

        def level(own: int, skip: int) -> Level:
            cross = CrossAttention(own, heads, cross_features, cond_width)
            linear = [LinearAttention(own, heads, linear_features) for _ in range(attentions)]
            return Level([block(own + skip, own) for _ in range(blocks)], linear, cross)

        self.stem = nn.Conv1d(latent_channels + lower_channels, width, 3, padding=1)
        steps = list(pairwise(channels))
        self.down = nn.ModuleList(level(own, 0) for own, _ in steps)
        self.downsample = nn.ModuleList(nn.Conv1d(own, after, 4, stride=2, padding=1) for own, after in steps[:-1])
        last = channels[-1]
        self.widen = nn.Conv1d(channels[-2], last, 3, padding=1)
        self.middle = nn.ModuleList([block(last, last) for _ in range(2)])
        self.middle_attention = SelfAttention(last, heads, linear_features)
        self.up = nn.ModuleList(level(own, skip) for skip, own in reversed(steps))
        self.upsample = nn.ModuleList(nn.Conv1d(own, before, 3, padding=1) for before, own in reversed(steps))
        self.last = block(2 * width, width)
        self.output = nn.Conv1d(width, latent_channels, 1)

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """As it is: cross-attention reads the text encoder's rows, and CADS and PADS act on them."""
        return conditioning

    def forward(self, x_BDT: torch.Tensor, t_B: torch.Tensor, embedded: Conditioning) -> torch.Tensor:
        """Output [B, D, T], float32.

        Args:
            x_BDT: Noised latents.
            t_B: Diffusion time in [0, 1].
            embedded: From `embed`; `others["lower"]` is the lower latent [B, E, T] where there is one.

        Raises:
            ValueError: The number of frames is no multiple of 2^N.
        """
        check_frames(x_BDT.shape[-1], self.halvings)
        text_BLC = embedded.text_BLC
        seen = None if self.padding == "visible" else embedded.mask_BL[:, None, None]
        vector_BV = torch.cat([self.to_time(time_features(t_B)), self.to_text(text_BLC[:, 0])], dim=-1)
        lower = embedded.others.get("lower")
        first_BWT = x_BWT = self.stem(x_BDT if lower is None else torch.cat([lower, x_BDT], dim=1))
        skips: list[torch.Tensor] = []
        for number, level in enumerate(self.down):
            x_BWT = level(x_BWT, vector_BV, text_BLC, seen, given=skips)
            x_BWT = self.downsample[number](x_BWT) if number < self.halvings else self.widen(x_BWT)
        x_BWT = self.middle[1](self.middle_attention(self.middle[0](x_BWT, vector_BV)), vector_BV)
        for number, level in enumerate(self.up):
            x_BWT = level(x_BWT, vector_BV, text_BLC, seen, taken=skips)
            x_BWT = self.upsample[number](x_BWT.repeat_interleave(2, dim=-1) if number < self.halvings else x_BWT)
        return self.output(self.last(torch.cat([x_BWT, first_BWT], dim=1), vector_BV)).float()


class Level(nn.Module):
    """Residual blocks, some followed by linear attention, then cross-attention to the text."""

    def __init__(
        self, blocks: "list[ResidualBlock]", attentions: "list[LinearAttention]", cross_attention: "CrossAttention"
    ):
        super().__init__()
        self.blocks, self.attentions = nn.ModuleList(blocks), nn.ModuleList(attentions)
        self.cross_attention = cross_attention

    def forward(
        self,
        x_BWT: torch.Tensor,
        vector_BV: torch.Tensor,
        text_BLC: torch.Tensor,
        seen: torch.Tensor | None,
        *,
        given: list[torch.Tensor] | None = None,
        taken: list[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """What blocks make is put on top of `given`; what they read besides comes off the top of `taken`."""
        for number, block in enumerate(self.blocks):
            x_BWT = block(x_BWT if taken is None else torch.cat([x_BWT, taken.pop()], dim=1), vector_BV)
            if 0 < number <= len(self.attentions):
                x_BWT = self.attentions[number - 1](x_BWT)
            if given is not None:
                given.append(x_BWT)
        return self.cross_attention(x_BWT, text_BLC, seen)


class ResidualBlock(Recomputed):
    """Two convolutions, the first told by FiLM, (1)."""

    def __init__(self, inputs: int, outputs: int, vector: int, groups: int):
        super().__init__()
        self.film = nn.Linear(vector, 2 * outputs)
        self.first = nn.Conv1d(inputs, outputs, 3, padding=1)
        self.first_norm = nn.GroupNorm(groups, outputs)
        self.second = nn.Conv1d(outputs, outputs, 3, padding=1)
        self.second_norm = nn.GroupNorm(groups, outputs)
        self.straight = nn.Identity() if inputs == outputs else nn.Conv1d(inputs, outputs, 1)

    def forward(self, x_BWT: torch.Tensor, vector_BV: torch.Tensor) -> torch.Tensor:
        scale, shift = self.film(functional.silu(vector_BV)).unsqueeze(-1).chunk(2, dim=1)
        h_BWT = functional.silu(torch.addcmul(shift, self.first_norm(self.first(x_BWT)), 1 + scale))
        return self.straight(x_BWT) + functional.silu(self.second_norm(self.second(h_BWT)))


class RmsNorm(nn.Module):
    """Each frame's channels over their root mean square, times learned gains (Zhang and Sennrich 2019)."""

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1))

    def forward(self, x_BWT: torch.Tensor) -> torch.Tensor:
        return x_BWT * (x_BWT.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt() * self.gain


class SelfAttention(Recomputed):
    """Attention among all frames."""

    def __init__(self, channels: int, heads: int, features: int):
        super().__init__()
        self.heads = heads
        self.norm = RmsNorm(channels)
        self.to_qkv = nn.Conv1d(channels, 3 * heads * features, 1, bias=False)
        self.to_out = nn.Conv1d(heads * features, channels, 1)

    def forward(self, x_BWT: torch.Tensor) -> torch.Tensor:
        q, k, v = (_heads(part, self.heads) for part in self.to_qkv(self.norm(x_BWT)).chunk(3, dim=1))
        return x_BWT + self.to_out(self.read(q, k, v).transpose(-1, -2).flatten(1, 2))

    def read(self, q_BHTF: torch.Tensor, k_BHTF: torch.Tensor, v_BHTF: torch.Tensor) -> torch.Tensor:
        """What each frame reads from all, [B, H, T, F]."""
        return functional.scaled_dot_product_attention(q_BHTF, k_BHTF, v_BHTF)


class LinearAttention(SelfAttention):
    """Attention whose cost grows with T, not T²: softmax(q over F) · (softmax(k over T)ᵀ v) (Shen et al. 2021)."""

    def read(self, q_BHTF: torch.Tensor, k_BHTF: torch.Tensor, v_BHTF: torch.Tensor) -> torch.Tensor:
        memory_BHFF = k_BHTF.softmax(dim=-2).transpose(-1, -2) @ v_BHTF
        return q_BHTF.softmax(dim=-1) * q_BHTF.shape[-1] ** -0.5 @ memory_BHFF


class CrossAttention(Recomputed):
    """Attention of frames to text rows; keys and values have no bias, so a row of zeros says nothing."""

    def __init__(self, channels: int, heads: int, features: int, cond_width: int):
        super().__init__()
        self.heads = heads
        self.norm = RmsNorm(channels)
        self.to_q = nn.Conv1d(channels, heads * features, 1, bias=False)
        self.to_kv = nn.Linear(cond_width, 2 * heads * features, bias=False)
        self.to_out = nn.Conv1d(heads * features, channels, 1)

    def forward(self, x_BWT: torch.Tensor, text_BLC: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
        """`seen` [B, 1, 1, L]: which rows are attended to; None for all."""
        q_BHTF = _heads(self.to_q(self.norm(x_BWT)), self.heads)
        k_BHLF, v_BHLF = (_heads(part.transpose(1, 2), self.heads) for part in self.to_kv(text_BLC).chunk(2, dim=-1))
        read_BHTF = functional.scaled_dot_product_attention(q_BHTF, k_BHLF, v_BHLF, attn_mask=seen)
        return x_BWT + self.to_out(read_BHTF.transpose(-1, -2).flatten(1, 2))


def check_frames(frames: int, halvings: int) -> None:
    """Check that so many frames can be halved so often.

    Raises:
        ValueError: They cannot; names the nearest numbers that can.
    """
    unit = 2**halvings
    if frames % unit or not frames:
        below = frames // unit * unit
        nearest = " or ".join(str(n) for n in (below, below + unit) if n)
        raise ValueError(f"{frames} latent frames: this U-Net halves them {halvings} times; the nearest are {nearest}")


def _heads(x_BXT: torch.Tensor, heads: int) -> torch.Tensor:
    """[B, H, T, F] of [B, H · F, T]."""
    return x_BXT.unflatten(1, (heads, -1)).transpose(-1, -2)
