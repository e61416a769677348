"""Text to latent and back, as the PADS-TAL authors' released code does it (seen, not copied).

Encoder, on frozen T5 states: linear to `pool_width` features → adaptive average over the *feature* axis to 2T → masked
tokens to zero → pointwise convolution that takes the L *tokens* as channels to D → [B, D, 2T], whose halves are mean
and scale. So the "time" axis of a text latent is not time. Decoder, not autoregressive, the same way back.

Shape suffixes: B batch, L text positions, H width of the text states, D latent channels, T latent frames, V vocabulary.
"""

import torch
from torch import nn
from torch.nn import functional

from padstal.codecs.bottleneck import Gaussian


class TextLatentEncoder(nn.Module):
    """States [B, L, H] and mask [B, L] → posterior over [B, D, T] for any T."""

    def __init__(self, *, state_width: int, positions: int, pool_width: int, latent_channels: int, initial_std: float):
        super().__init__()
        self.initial_std = initial_std
        self.widen = nn.Linear(state_width, pool_width)
        self.mix = nn.Conv1d(positions, latent_channels, 1)

    def forward(self, states_BLH: torch.Tensor, mask_BL: torch.Tensor, frames: int) -> Gaussian:
        pooled_BLE = functional.adaptive_avg_pool1d(self.widen(states_BLH), 2 * frames)
        mixed_BDE = self.mix(pooled_BLE * mask_BL[..., None])
        # mean and scale are the halves of the *last* axis here; Gaussian expects them as channels
        return Gaussian.from_features(torch.cat(mixed_BDE.chunk(2, dim=-1), dim=1), self.initial_std)


class TextLatentDecoder(nn.Module):
    """Latents [z; w_t], joined on the time axis to [B, D, 2T], → logits [B, L, V], all positions at once."""

    def __init__(
        self,
        *,
        frames: int,
        latent_channels: int,
        width: int,
        positions: int,
        heads: int,
        feedforward: int,
        vocabulary: int,
        norm: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.widen = nn.Linear(2 * frames, width)
        self.unmix = nn.Conv1d(latent_channels, positions, 1)
        self.position = nn.Parameter(torch.randn(1, positions, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout=dropout, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width) if norm else None, enable_nested_tensor=False)
        self.outlet = nn.Linear(width, vocabulary)

    def forward(self, z_BDT: torch.Tensor, w_t_BDT: torch.Tensor) -> torch.Tensor:
        joined_BDE = torch.cat([z_BDT, w_t_BDT], dim=-1)
        tokens_BLH = self.unmix(self.widen(joined_BDE)) + self.position
        return self.outlet(self.layers(tokens_BLH))
