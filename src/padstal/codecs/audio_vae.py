"""The audio-only autoencoder of Stable Audio Open: encoder, Gaussian bottleneck, decoder.

Shape suffixes: B batch, C audio channels, S samples, D latent channels, T latent frames.
"""

from dataclasses import dataclass

import torch
from torch import nn

from padstal.codecs import backbone
from padstal.codecs.bottleneck import Gaussian
from padstal.training.distributed_shard import WHOLE, DistributedShard


@dataclass(frozen=True)
class AudioPass:
    """One pass in training: the reconstruction [B, C, S] and the posterior."""

    audio: torch.Tensor
    z: Gaussian


class AudioVae(nn.Module):
    """x → q(z|x) → p(x|z)."""

    def __init__(self, config: backbone.BackboneConfig, latent_channels: int):
        super().__init__()
        self.encoder = backbone.encoder(config, 2 * latent_channels)
        self.decoder = backbone.decoder(config, latent_channels)

    def posterior(self, audio_BCS: torch.Tensor) -> Gaussian:
        """q(z|x)."""
        return Gaussian.from_features(self.encoder(audio_BCS))

    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S], float32."""
        return self.decoder(latent_BDT).float()

    def forward(
        self, audio_BCS: torch.Tensor, generator: torch.Generator, shard: DistributedShard = WHOLE
    ) -> AudioPass:
        z = self.posterior(audio_BCS)
        return AudioPass(self.decode(z.sample(generator, shard)), z)
