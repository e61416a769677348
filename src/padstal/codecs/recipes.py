"""What one training step computes: a forward pass, its reconstructions, its probes, and the terms of the objective.

The training task is the same for both autoencoders; a recipe says where they differ.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from padstal.codecs import probes
from padstal.codecs.alignment import alignment_loss
from padstal.codecs.audio_vae import AudioPass, AudioVae
from padstal.codecs.clips import ClipBatch
from padstal.codecs.config import AudioVaeParams, AudioWeights, TalVaeParams, TalWeights
from padstal.codecs.cross_entropy import text_cross_entropy
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.objective import AudioTerms, TalTerms
from padstal.codecs.tal_vae import TalPass, TalVae
from padstal.training.distributed_shard import WHOLE, DistributedShard


@dataclass(frozen=True)
class Judged:
    """What the discriminator contributes to the generator's objective: L_adv and L_fm, zero before it starts."""

    adversarial: torch.Tensor
    feature_matching: torch.Tensor


class Recipe(Protocol):
    """One kind of autoencoder in training."""

    def forward(self, model: Any, batch: ClipBatch, generator: torch.Generator, shard: DistributedShard = WHOLE) -> Any:
        """A pass through the model of `shard` of the step's batch."""
        ...

    def fakes(self, outcome: Any) -> list[torch.Tensor]:
        """Its audio reconstructions, each [B, C, S]: what a discriminator judges."""
        ...

    def terms(self, outcome: Any, batch: ClipBatch, judged: Judged) -> AudioTerms | TalTerms:
        """The terms of the objective."""
        ...

    def total(self, terms: Any) -> torch.Tensor:
        """Their weighted sum."""
        ...

    def probe(self, model: Any, batch: ClipBatch) -> dict[str, float]:
        """What the latents carry, on a fixed batch."""
        ...


class AudioRecipe(nn.Module):
    """Stable Audio Open's autoencoder."""

    def __init__(self, stft: MultiResolutionStft, weights: AudioWeights):
        super().__init__()
        self.stft, self.weights = stft, weights

    def forward(
        self, model: AudioVae, batch: ClipBatch, generator: torch.Generator, shard: DistributedShard = WHOLE
    ) -> AudioPass:
        outcome: AudioPass = model(batch.audio_BCS, generator, shard)
        return outcome

    def fakes(self, outcome: AudioPass) -> list[torch.Tensor]:
        return [outcome.audio]

    def terms(self, outcome: AudioPass, batch: ClipBatch, judged: Judged) -> AudioTerms:
        return AudioTerms(
            adversarial=judged.adversarial,
            feature_matching=judged.feature_matching,
            mrstft=self.stft(outcome.audio, self.stft.target(batch.audio_BCS)),
            waveform=(outcome.audio - batch.audio_BCS).abs().mean(),
            kl=outcome.z.kl(),
        )

    def total(self, terms: AudioTerms) -> torch.Tensor:
        return terms.total(self.weights)

    def probe(self, model: AudioVae, batch: ClipBatch) -> dict[str, float]:
        return probes.audio_probes(model, batch)


class TalRecipe(nn.Module):
    """PADS-TAL's autoencoder.

    Of a clip whose w_m was dropped nobody can tell what it sounds like, so the discriminator is shown its own
    reconstruction twice.
    """

    def __init__(self, stft: MultiResolutionStft, weights: TalWeights, private_dropout: float):
        super().__init__()
        self.stft, self.weights, self.private_dropout = stft, weights, private_dropout

    def forward(
        self, model: TalVae, batch: ClipBatch, generator: torch.Generator, shard: DistributedShard = WHOLE
    ) -> TalPass:
        assert batch.texts is not None
        outcome: TalPass = model(batch.audio_BCS, batch.texts.states, generator, self.private_dropout, shard)
        return outcome

    def fakes(self, outcome: TalPass) -> list[torch.Tensor]:
        return [outcome.audio_own, torch.where(outcome.kept_B[:, None, None], outcome.audio_cross, outcome.audio_own)]

    def terms(self, outcome: TalPass, batch: ClipBatch, judged: Judged) -> TalTerms:
        assert batch.texts is not None
        target, q = self.stft.target(batch.audio_BCS), outcome.posteriors
        ids_BL, mask_BL = batch.texts.ids_BL, batch.texts.states.mask_BL
        rebuilt = (outcome.audio_own, outcome.audio_cross)
        distances = [(audio - batch.audio_BCS).abs().mean() for audio in rebuilt]
        return TalTerms(
            adversarial=judged.adversarial,
            alignment=alignment_loss(q.z_m.mean, q.z_p.mean),
            mrstft_own=self.stft(outcome.audio_own, target),
            mrstft_cross=self.stft(outcome.audio_cross, target),
            ce_own=text_cross_entropy(outcome.logits_own, ids_BL, mask_BL),
            ce_cross=text_cross_entropy(outcome.logits_cross, ids_BL, mask_BL),
            kl_z_m=q.z_m.kl(),
            kl_z_p=q.z_p.kl(),
            kl_w_m=q.w_m.kl(),
            kl_w_t=q.w_t.kl(),
            feature_matching=judged.feature_matching,
            waveform=torch.stack(distances).mean(),
        )

    def total(self, terms: TalTerms) -> torch.Tensor:
        return terms.total(self.weights)

    def probe(self, model: TalVae, batch: ClipBatch) -> dict[str, float]:
        return probes.tal_probes(model, batch)


def recipe_of(params: AudioVaeParams | TalVaeParams, *, channels: int, sample_rate: int) -> AudioRecipe | TalRecipe:
    """The recipe that a params section asks for."""
    stft = MultiResolutionStft(**params.mrstft.model_dump(), channels=channels, sample_rate=sample_rate)
    if isinstance(params, AudioVaeParams):
        return AudioRecipe(stft, params.weights)
    return TalRecipe(stft, params.weights, params.private_dropout)
