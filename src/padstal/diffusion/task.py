"""A denoiser as the training loop sees it: the denoising objective of a step, and its value on held-out clips."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from padstal.core.protocols import Attributes
from padstal.core.streams import generator
from padstal.diffusion.clips import ClipBatch, Clips
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.objective import denoising_loss
from padstal.diffusion.padding_codes import CODE_STREAM
from padstal.nn.recomputed import recompute_units
from padstal.training.distributed_shard import DistributedShard
from padstal.training.task import AdamW, Move, Network

NOISE_STREAM, VALIDATION_STREAM, QUALITY_STREAM, LOWER_STREAM = 1, 2, 4, 5
UNKNOWN_LEVEL = 0.0
BETAS = (0.9, 0.999)


class DenoiserTask:
    """One network, which moves at every step.

    Args:
        denoiser: Fresh; trained in place.
        clips: The training split.
        validation: The validation split, for the curves; None if it is empty.
        params: Its objective, and how it is trained.
    """

    averaged = "denoiser"

    def __init__(self, denoiser: Denoiser, clips: Clips, validation: Clips | None, params: DenoiserParams):
        training = params.training
        if training.checkpoint_activations:
            recompute_units(denoiser)
        optimiser = AdamW(training.learning_rate, training.rate, BETAS, training.weight_decay, training.clip)
        self.networks = {self.averaged: Network(denoiser, optimiser)}
        self._denoiser, self._clips, self._params = denoiser, clips, params
        self._validation = None
        if validation is not None:
            drawn = validation.batches(batch=training.validation_clips, start=0, stop=1, seed=training.seed)
            self._validation = next(drawn)

    def batches(self, start: int, stop: int, shard: DistributedShard) -> Iterator[ClipBatch]:
        training = self._params.training
        return self._clips.batches(batch=training.batch, start=start, stop=stop, seed=training.seed, shard=shard)

    def step(self, batch: ClipBatch, shard: DistributedShard) -> Move:
        with attention_kernel(batch.latent_BD.device):
            loss = denoising_loss(
                self._denoiser,
                self._denoiser.own_of(batch.latent_BD),
                self._denoiser.condition(batch.text, self.known(batch, shard), self.lower(batch, shard)),
                dropout=self._params.dropout,
                generator=generator(self._params.training.seed, batch.step, NOISE_STREAM),
                shard=shard,
                objective=self._params.objective,
                code_of=partial(self.code, batch, shard),
            )
        return Move(self.averaged, loss, {})

    def known(self, batch: ClipBatch, shard: DistributedShard) -> Attributes:
        """The batch's attributes; some clips' quality is made unknown."""
        if not self._params.quality_dropout:
            return batch.attributes
        draw = generator(self._params.training.seed, batch.step, QUALITY_STREAM)
        level_B = batch.attributes["quality"]
        kept_B = shard.rand((len(level_B),), draw).to(level_B.device) >= self._params.quality_dropout
        return {**batch.attributes, "quality": torch.where(kept_B, level_B, UNKNOWN_LEVEL)}

    def code(self, batch: ClipBatch, shard: DistributedShard, width: int) -> torch.Tensor:
        """Padding codes of the batch's clips [B, R, `width`], a little changed; zero for those that are told none."""
        codes = self._denoiser.form.padding_codes
        assert codes is not None
        draw = generator(self._params.training.seed, batch.step, CODE_STREAM)
        told_B = shard.rand((len(batch.clip_ids),), draw) < codes.share
        own_BRC = codes.of_clips(batch.clip_ids, width)
        return told_B.view(-1, 1, 1) * (own_BRC + codes.jitter * shard.randn(own_BRC.shape, draw))

    def lower(self, batch: ClipBatch, shard: DistributedShard) -> torch.Tensor | None:
        """The true lower latent that the denoiser is told, with noise as the sampled one will have errors."""
        lower_BE = self._denoiser.lower_of(batch.latent_BD)
        if lower_BE is None or not self._params.lower_noise:
            return lower_BE
        draw = generator(self._params.training.seed, batch.step, LOWER_STREAM)
        return lower_BE + self._params.lower_noise * shard.randn(lower_BE.shape, draw).to(lower_BE)

    @torch.no_grad()
    def validate(self, average: Denoiser) -> dict[str, float]:
        """Loss on the fixed batch, nothing hidden, with the caption and with the null condition."""
        if self._validation is None:
            return {}
        batch = self._validation.to(next(average.parameters()).device)
        with attention_kernel(batch.latent_BD.device):
            lower_BE = average.lower_of(batch.latent_BD)
            conditioning = average.condition(batch.text, batch.attributes, lower_BE)
            losses = [
                denoising_loss(
                    average,
                    average.own_of(batch.latent_BD),
                    told,
                    dropout=0.0,
                    generator=generator(self._params.training.seed, 0, VALIDATION_STREAM),
                    objective=self._params.objective,
                    training=False,
                )
                for told in (conditioning, average.null(conditioning))
            ]
        return {"validation_loss": float(losses[0]), "validation_loss_null": float(losses[1])}

    def weights(self, average: Denoiser) -> dict[str, torch.Tensor]:
        return {name: weight.detach().cpu().contiguous() for name, weight in sorted(average.state_dict().items())}


def attention_kernel(device: torch.device) -> AbstractContextManager[None]:
    """On a CPU the plain attention has a backward pass that is twice as fast as the fused one's at these lengths."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
