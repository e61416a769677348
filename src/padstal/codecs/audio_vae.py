"""The audio-only autoencoder of Stable Audio Open: encoder, Gaussian bottleneck, decoder.

Shape suffixes: B batch, C audio channels, S samples, D latent channels, T latent frames.
"""

from dataclasses import dataclass

import torch
from torch import nn

from padstal.codecs.bottleneck import Gaussian
from padstal.codecs.chunks import CHUNK, decode_in_chunks, reach_of
from padstal.codecs.config import AudioVaeConfig, CropForm
from padstal.core.data.units import samples_to_frames
from padstal.core.protocols import TextStates
from padstal.training.distributed_shard import WHOLE, DistributedShard


@dataclass(frozen=True)
class AudioPass:
    """One pass in training: the reconstruction [B, C, S] and the posterior."""

    audio: torch.Tensor
    z: Gaussian


class AudioVae(nn.Module):
    """x → q(z|x) → p(x|z)."""

    def __init__(self, config: AudioVaeConfig, form: CropForm):
        super().__init__()
        self.config = config
        self.encoder = config.backbone.encoder(form.channels, 2 * config.latent_channels)
        self.decoder = config.backbone.decoder(form.channels, config.latent_channels)

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


class FrozenAudioVae:
    """The audio-only autoencoder, a `protocols.Codec`; its latent is z.

    Args:
        model: The autoencoder.
        form: What it was made for.
        chunk: Latent frames decoded at once.
    """

    reads_text = False
    pools_groups = False

    def __init__(self, model: AudioVae, form: CropForm, chunk: int = CHUNK):
        self.model, self.chunk, self.reach = model, chunk, reach_of(model.decoder)
        self.sample_rate, self.channels = form.sample_rate, form.channels
        self.ratio = model.config.ratio
        self.channel_groups = {"z": (0, model.config.latent_channels)}

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        return (self.model.config.latent_channels, samples_to_frames(samples, self.ratio))

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Posterior mean and standard deviation [B, D, T]; `texts` is not read."""
        z = self.model.posterior(audio_BCS)
        return z.mean, z.std

    @torch.no_grad()
    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S], float32, not clipped."""
        return decode_in_chunks(self.model.decode, latent_BDT, ratio=self.ratio, reach=self.reach, chunk=self.chunk)

    def probes(self, audio_BCS: torch.Tensor) -> dict[str, torch.Tensor]:
        return {}
