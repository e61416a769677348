"""The MoE-style multimodal autoencoder behind the text-aware latent space (PADS-TAL 2.2).

Four encoders: shared z_m and private w_m of the music, shared z_p and private w_t of the prompt. Two decoders. Each
modality is rebuilt from its own shared latent and, crosswise, from the other's:

    own:    p(x_m | z_m, w_m),  p(x_t | z_p, w_t)                                                                 (1)
    cross:  p(x_m | z_p, w_m),  p(x_t | z_m, w_t)                                                                 (2)

The text-aware latent is TAL = [w_m; z_p], in this order, on the channel axis.

Shape suffixes: B batch, C audio channels, S samples, L text positions, H width of the text states, V vocabulary,
T latent frames, W channels of w_m, Z channels of z_m, z_p and w_t.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from padstal.codecs.bottleneck import Gaussian
from padstal.codecs.chunks import CHUNK, decode_in_chunks, reach_of
from padstal.codecs.config import CropForm, TalVaeConfig
from padstal.codecs.text_latents import TextLatentDecoder, TextLatentEncoder
from padstal.core.data.units import samples_to_frames
from padstal.core.protocols import TextStates
from padstal.training.distributed_shard import WHOLE, DistributedShard


@dataclass(frozen=True)
class TalPosteriors:
    """The four experts."""

    z_m: Gaussian
    w_m: Gaussian
    z_p: Gaussian
    w_t: Gaussian


@dataclass(frozen=True)
class TalPass:
    """One pass in training: (1) and (2), each audio [B, C, S] and logits [B, L, V].

    `kept_B` says whose w_m is its own on the cross path, too.
    """

    audio_own: torch.Tensor
    audio_cross: torch.Tensor
    logits_own: torch.Tensor
    logits_cross: torch.Tensor
    posteriors: TalPosteriors
    kept_B: torch.Tensor


class TalVae(nn.Module):
    """The whole model; after training only `w_m`, `z_p` and the audio decoder generate, and `z_m` serves the probes."""

    init_names: ClassVar[dict[str, str]] = {"encoder_w_m.": "encoder."}
    """What `init_from` takes from an audio-only autoencoder under another name (`training/initialise.py`)."""

    def __init__(self, config: TalVaeConfig, form: CropForm):
        """A fresh model.

        Raises:
            ValueError: `form` has no text.
        """
        super().__init__()
        text = form.text
        if text is None:
            raise ValueError("text = None: the text-aware autoencoder needs the form of the text states")
        self.config, self.frames = config, form.frames
        W, Z, backbone = config.private_channels, config.shared_channels, config.backbone
        self.encoder_w_m = backbone.encoder(form.channels, 2 * W)
        narrow = backbone.model_copy(update={"width": config.shared_width})
        self.encoder_z_m = narrow.encoder(form.channels, 2 * Z)
        self.encoder_z_p, self.encoder_w_t = (
            TextLatentEncoder(
                state_width=text.width,
                positions=text.max_length,
                pool_width=config.pool_width,
                latent_channels=Z,
                initial_std=config.initial_std,
            )
            for _ in range(2)
        )
        self.decoder = backbone.decoder(form.channels, W + Z)
        self.text_decoder = TextLatentDecoder(
            frames=form.frames,
            latent_channels=Z,
            width=config.text_width,
            positions=text.max_length,
            heads=config.text_heads,
            feedforward=config.text_feedforward,
            vocabulary=text.vocabulary,
            norm=config.text_norm,
            dropout=config.text_dropout,
        )

    def private_audio(self, audio_BCS: torch.Tensor) -> Gaussian:
        """q(w_m | x_m)."""
        config = self.config
        return Gaussian.from_features(self.encoder_w_m(audio_BCS), config.private_std or config.initial_std)

    def shared_audio(self, audio_BCS: torch.Tensor) -> Gaussian:
        """q(z_m | x_m)."""
        features = self.encoder_z_m(audio_BCS)
        if self._is_global:
            features = features.mean(-1, keepdim=True)
        return Gaussian.from_features(features, self.config.initial_std)

    def shared_text(self, text: TextStates, frames: int) -> Gaussian:
        """q(z_p | x_t)."""
        return self.encoder_z_p(text.states_BLD, text.mask_BL, 1 if self._is_global else frames)

    def private_text(self, text: TextStates, frames: int) -> Gaussian:
        """q(w_t | x_t)."""
        return self.encoder_w_t(text.states_BLD, text.mask_BL, frames)

    def join(self, w_m_BWT: torch.Tensor, z_BZT: torch.Tensor) -> torch.Tensor:
        """[w_m; z]: w_m first; z is repeated in time where it is global."""
        assert list(self.config.channel_groups) == ["w_m", "z_p"]
        return torch.cat([w_m_BWT, self.spread(z_BZT, w_m_BWT.shape[-1])], dim=1)

    def spread(self, z_BZT: torch.Tensor, frames: int) -> torch.Tensor:
        """z with `frames` frames: itself where resampled, repeated where global."""
        return z_BZT.expand(-1, -1, frames) if self._is_global else z_BZT

    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S] of the text-aware latent; a global z is averaged over time first."""
        return self.decode_evened(self.evened(latent_BDT))

    def evened(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """The latent with a global z averaged over time."""
        if not self._is_global:
            return latent_BDT
        W = self.config.private_channels
        return self.join(latent_BDT[:, :W], latent_BDT[:, W:].mean(-1, keepdim=True))

    def decode_evened(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S] of such a latent, or of a part of it."""
        return self.decoder(latent_BDT).float()

    def logits(self, z_BZT: torch.Tensor, w_t_BZT: torch.Tensor) -> torch.Tensor:
        """Logits [B, L, V] of the text."""
        return self.text_decoder(self.spread(z_BZT, self.frames), w_t_BZT)

    def posteriors(self, audio_BCS: torch.Tensor, text: TextStates) -> TalPosteriors:
        """All four experts; each encoder runs once."""
        w_m = self.private_audio(audio_BCS)
        frames = w_m.mean.shape[-1]
        return TalPosteriors(
            self.shared_audio(audio_BCS), w_m, self.shared_text(text, frames), self.private_text(text, frames)
        )

    def forward(
        self,
        audio_BCS: torch.Tensor,
        text: TextStates,
        generator: torch.Generator,
        private_dropout: float = 0.0,
        shard: DistributedShard = WHOLE,
    ) -> TalPass:
        """(1) and (2), both latents through each decoder in one call.

        Args:
            audio_BCS: Crops of the length that the model is made for.
            text: Its captions.
            generator: Of all draws, on the CPU.
            private_dropout: Probability that a clip's w on the cross paths is a draw from the prior N(0, I) instead,
                which keeps shared content from hiding in w; 0 is the paper.
            shard: Which clips of the step's batch these are.
        """
        q = self.posteriors(audio_BCS, text)
        B = len(audio_BCS)
        z_m, w_m, z_p, w_t = (expert.sample(generator, shard) for expert in (q.z_m, q.w_m, q.z_p, q.w_t))
        w_m_cross, kept_B = _drop(w_m, private_dropout, generator, shard)
        w_t_cross, _ = _drop(w_t, private_dropout, generator, shard)
        latents = torch.cat([self.join(w_m, z_m), self.join(w_m_cross, z_p)])
        audio = self.decoder(latents).float()
        with _dropout_of(generator, shard, audio.device):
            logits = self.logits(torch.cat([z_p, z_m]), torch.cat([w_t, w_t_cross]))
        return TalPass(audio[:B], audio[B:], logits[:B], logits[B:], q, kept_B)

    @property
    def _is_global(self) -> bool:
        return self.config.z_layout == "global"


def _drop(
    w_BDT: torch.Tensor, probability: float, generator: torch.Generator, shard: DistributedShard
) -> tuple[torch.Tensor, torch.Tensor]:
    """`w_BDT`, where with `probability` a clip's is replaced by a draw from N(0, I), and whose was kept [B]."""
    if probability == 0:
        return w_BDT, torch.ones(len(w_BDT), dtype=torch.bool, device=w_BDT.device)
    kept_B = (shard.rand((len(w_BDT),), generator) >= probability).to(w_BDT.device)
    prior = shard.randn(w_BDT.shape, generator).to(w_BDT)
    return torch.where(kept_B[:, None, None], w_BDT, prior), kept_B


@contextmanager
def _dropout_of(generator: torch.Generator, shard: DistributedShard, device: torch.device) -> Iterator[None]:
    """Let dropout draw what `generator`'s seed and the shard say, and nobody else notice."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed((generator.initial_seed() + shard.rank) % 2**63)
        yield


class FrozenTalVae:
    """The text-aware autoencoder, a `protocols.Codec`; its latent is [w_m; z_p].

    Args:
        model: The autoencoder.
        form: What it was made for.
        chunk: Latent frames decoded at once.
    """

    reads_text = True
    pools_groups = False

    def __init__(self, model: TalVae, form: CropForm, chunk: int = CHUNK):
        self.model, self.chunk, self.reach = model, chunk, reach_of(model.decoder)
        self.sample_rate, self.channels = form.sample_rate, form.channels
        self.ratio = model.config.ratio
        self.channel_groups = model.config.channel_groups

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        config = self.model.config
        return (config.private_channels + config.shared_channels, samples_to_frames(samples, self.ratio))

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Posterior mean and standard deviation of [w_m; z_p], each [B, D, T]: w_m of the audio, z_p of its text.

        Raises:
            ValueError: There are no texts.
        """
        if texts is None:
            raise ValueError("texts = None: the text-aware latent [w_m; z_p] needs the clips' texts")
        w_m = self.model.private_audio(audio_BCS)
        z_p = self.model.shared_text(texts, w_m.mean.shape[-1])
        return self.model.join(w_m.mean, z_p.mean), self.model.join(w_m.std, z_p.std)

    @torch.no_grad()
    def probes(self, audio_BCS: torch.Tensor) -> dict[str, torch.Tensor]:
        """μ_zm [B, Z, T]: what the audio's shared encoder says, though diffusion takes z_p."""
        z_m = self.model.shared_audio(audio_BCS).mean
        return {"z_m": self.model.spread(z_m, audio_BCS.shape[-1] // self.ratio).contiguous()}

    @torch.no_grad()
    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S], float32, not clipped."""
        evened_BDT, decode = self.model.evened(latent_BDT), self.model.decode_evened
        return decode_in_chunks(decode, evened_BDT, ratio=self.ratio, reach=self.reach, chunk=self.chunk)
