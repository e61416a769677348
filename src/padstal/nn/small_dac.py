"""A small audio codec for demo and study: the spectral backbone around descript-audio-codec's own quantiser.

The published codec's convolutions at full rate cost too much on a CPU, and in minutes they learn little; the residual
quantiser, whose latents DiscoDiff generates, is the library's class. Seen from outside this is a `dac.DAC`.

Shape suffixes: B batch, S samples, E embedding channels, N codebooks, D = N·(channels of an entry), T latent frames.
"""

from typing import Any

import torch
from torch import nn

from padstal.nn.spectral import SpectralDecoder, SpectralEncoder


class SmallDac(nn.Module):
    """Encoder, quantiser and decoder, with the names and calls of `dac.DAC`."""

    def __init__(self, quantizer: Any, *, sample_rate: int, embedding: int, hop: int, **sizes: int):
        """Fresh weights.

        Args:
            quantizer: A `dac.nn.quantize.ResidualVectorQuantize` of E channels.
            sample_rate: Hz.
            embedding: E.
            hop: Samples of a latent frame.
            sizes: Of both spectral networks: `width`, `n_fft`, `depth`, `deep_depth`.
        """
        super().__init__()
        own: dict[str, Any] = {"hop": hop, "stride": 1, **sizes}
        self.encoder = SpectralEncoder(1, embedding, **own)
        self.quantizer = quantizer
        self.decoder = SpectralDecoder(1, embedding, **own)
        self.sample_rate, self.hop_length = sample_rate, hop
        self.n_codebooks, self.codebook_size = quantizer.n_codebooks, quantizer.codebook_size
        self.codebook_dim = quantizer.codebook_dim[0]

    def encode(self, audio_B1S: torch.Tensor, n_quantizers: int | None = None) -> tuple[torch.Tensor, ...]:
        """z [B, E, T], codes [B, N, T], X̂ [B, D, T], and the commitment and codebook losses."""
        found: tuple[torch.Tensor, ...] = self.quantizer(self.encoder(audio_B1S), n_quantizers)
        return found

    def decode(self, z_BET: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, S]."""
        audio_B1S: torch.Tensor = self.decoder(z_BET)
        return audio_B1S
