"""`train_diffusion`: denoisers of latents, one section a model (PADS-TAL 2.3, Stable Audio Open)."""

from typing import Literal

from pydantic import ConfigDict, model_validator

from padstal.core.section import Section, value


class DenoiserParams(Section):
    """One diffusion transformer and its training."""

    width: int = value("features of a token", "features", ge=16)
    depth: int = value("transformer blocks", "blocks", ge=1)
    heads: int = value("attention heads", "heads", ge=1)
    cross_heads: int = value("heads of keys and values in cross-attention; divides `heads`", "heads", ge=1)
    feed_forward: int = value("hidden features of the gated feed-forward, as a multiple of the width", "×", ge=1, le=8)

    steps: int = value("optimiser steps", "steps", ge=1)
    batch: int = value("clips of a step", "clips", ge=1)
    learning_rate: float = value("peak learning rate of AdamW", gt=0, lt=1)
    schedule: Literal["inverse", "cosine"] = value(
        "how the learning rate falls: InverseLR (Stable Audio Open) or a cosine to 0"
    )
    warmup_steps: int = value("steps (inverse: time constant) of the warm-up", "steps", ge=0)
    inverse_scale_steps: float = value("γ of InverseLR: steps after which the rate is 1/√2 of its peak", "steps", gt=0)
    weight_decay: float = value("AdamW's decoupled weight decay", ge=0, lt=1)
    gradient_clip: float = value("largest norm of the gradient", gt=0)
    ema_decay: float = value("decay of the averaged weights that are sampled from", ge=0, lt=1)
    dropout: float = value("probability of the null condition, per clip, for classifier-free guidance", ge=0, lt=1)
    precision: Literal["32-true", "bf16-mixed"] = value("arithmetic of matrix products in training")
    seed: int = value("seed of weights, order and noise", ge=0)

    log_every: int = value("steps between rows of the training curves", "steps", ge=1)
    checkpoint_every: int = value("steps between checkpoints that a killed run resumes from", "steps", ge=1)
    validation_clips: int = value("clips of the fixed batch that the validation loss is taken on", "clips", ge=1)

    @model_validator(mode="after")
    def _sizes_fit(self) -> "DenoiserParams":
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} must be a multiple of heads = {self.heads}")
        if self.heads % self.cross_heads:
            raise ValueError(f"heads = {self.heads} must be a multiple of cross_heads = {self.cross_heads}")
        return self


class TrainDiffusionParams(Section):
    """One section a denoiser, by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DenoiserParams]
