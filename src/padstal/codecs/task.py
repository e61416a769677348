"""An autoencoder as the training loop sees it: the generator moves alone at first, then in turn with a discriminator.

Shape suffixes: B batch, C audio channels, S samples.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import nn

from padstal.codecs.adversarial import discriminator_loss, feature_matching, generator_loss
from padstal.codecs.checkpoint import shipped_weights
from padstal.codecs.clips import ClipBatch, Clips
from padstal.codecs.config import AudioVaeParams, TalVaeParams
from padstal.codecs.objective import scalars
from padstal.codecs.recipes import Judged, Recipe
from padstal.core.streams import generator
from padstal.nn.discriminators import Verdict
from padstal.nn.recomputed import recompute_units
from padstal.training.distributed_shard import DistributedShard
from padstal.training.task import AdamW, Move, Network

NOISE_STREAM, WINDOW_STREAM = 2, 3
BETAS = (0.8, 0.99)
GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class AutoencoderTask(nn.Module):
    """Generator and discriminator.

    Args:
        model: The autoencoder, fresh; trained in place.
        discriminator: Fresh; gives a list of `Verdict`.
        recipe: Passes, terms and probes of this kind of autoencoder.
        clips: The training split.
        probed: Clips that the probes read, best held out.
        params: How it is trained.
    """

    averaged = GENERATOR

    def __init__(
        self,
        model: nn.Module,
        discriminator: nn.Module,
        recipe: Recipe,
        clips: Clips,
        probed: Clips,
        params: AudioVaeParams | TalVaeParams,
    ):
        super().__init__()
        self.model, self.discriminator, self.recipe = model, discriminator, recipe
        if params.training.checkpoint_activations:
            recompute_units(self)
        ours, theirs, ratio = params.training, params.discriminator, params.codec.ratio
        self.networks = {
            GENERATOR: Network(model, AdamW(ours.learning_rate, ours.rate, BETAS, ours.weight_decay, ours.clip)),
            DISCRIMINATOR: Network(
                discriminator,
                AdamW(theirs.learning_rate, theirs.rate, BETAS, ours.weight_decay, theirs.clip, theirs.start),
            ),
        }
        self._clips, self._probed, self._training, self._adversary = clips, probed, ours, theirs
        self._crop, self._seen = ours.crop_frames * ratio, theirs.frames * ratio

    def batches(self, start: int, stop: int, shard: DistributedShard) -> Iterator[ClipBatch]:
        training = self._training
        return self._clips.batches(
            batch=training.batch, crop=self._crop, start=start, stop=stop, seed=training.seed, shard=shard
        )

    def step(self, batch: ClipBatch, shard: DistributedShard) -> Move:
        since = batch.step - self._adversary.start
        if since >= 0 and since % 2 == 0:
            return self._discriminator_move(batch, shard)
        return self._generator_move(batch, shard, adversarial=since >= 0)

    def _generator_move(self, batch: ClipBatch, shard: DistributedShard, *, adversarial: bool) -> Move:
        outcome, loss = self._forward(batch, shard), self._adversary.loss
        if adversarial:
            self.discriminator.requires_grad_(False)
            real, fakes = self._judge(batch, self.recipe.fakes(outcome))
            judged = Judged(
                torch.stack([generator_loss(fake, loss) for fake in fakes]).mean(),
                torch.stack([feature_matching(real, fake, self._adversary.feature_matching) for fake in fakes]).mean(),
            )
            self.discriminator.requires_grad_(True)
        else:
            judged = Judged(*(batch.audio_BCS.new_zeros(()) for _ in range(2)))
        terms = self.recipe.terms(outcome, batch, judged)
        return Move(GENERATOR, self.recipe.total(terms), scalars(terms))

    def _discriminator_move(self, batch: ClipBatch, shard: DistributedShard) -> Move:
        with torch.no_grad():
            fakes = self.recipe.fakes(self._forward(batch, shard))
        real, judged = self._judge(batch, fakes)
        losses = [discriminator_loss(real, fake, self._adversary.loss) for fake in judged]
        return Move(DISCRIMINATOR, torch.stack(losses).mean(), {})

    def _forward(self, batch: ClipBatch, shard: DistributedShard) -> object:
        noise = generator(self._training.seed, batch.step, NOISE_STREAM)
        return self.recipe.forward(self.model, batch, noise, shard)

    def _judge(self, batch: ClipBatch, fakes: list[torch.Tensor]) -> tuple[list[Verdict], list[list[Verdict]]]:
        """Verdicts on the real audio and on each list of fakes, on one random window, in one call."""
        room = batch.audio_BCS.shape[-1] - self._seen
        at = int(np.random.default_rng([self._training.seed, batch.step, WINDOW_STREAM]).integers(0, max(room, 0) + 1))
        together_BCS = torch.cat([audio[..., at : at + self._seen] for audio in (batch.audio_BCS, *fakes)])
        return _apart(self.discriminator(together_BCS), 1 + len(fakes))

    def validate(self, average: nn.Module) -> dict[str, float]:
        """What the latents carry, on a fixed batch."""
        return self.recipe.probe(average, self._fixed.to(next(average.parameters()).device))

    @cached_property
    def _fixed(self) -> ClipBatch:
        return self._probed.first(self._training.validation_clips, self._crop)

    def weights(self, average: nn.Module) -> dict[str, torch.Tensor]:
        return shipped_weights(average)


def _apart(together: list[Verdict], inputs: int) -> tuple[list[Verdict], list[list[Verdict]]]:
    """Verdicts on the first of `inputs` inputs that were judged as one batch, and on each of the others."""
    parts = [
        [
            Verdict(logits, list(features))
            for logits, features in zip(
                verdict.logits.chunk(inputs),
                zip(*(feature.chunk(inputs) for feature in verdict.features), strict=True),
                strict=True,
            )
        ]
        for verdict in together
    ]
    by_input = [[verdicts[which] for verdicts in parts] for which in range(inputs)]
    return by_input[0], by_input[1:]
