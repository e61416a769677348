"""How anything is trained: the part of a params section that the one training loop reads."""

from typing import Literal

from pydantic import model_validator

from padstal.core.section import Section, value
from padstal.training.learning_rate import Rate

KEPT = "kept"
"""Folder of what `keep_every` keeps: averaged weights, by step."""


class TrainConfig(Section):
    """A training: its length, its optimiser, its average, and what it keeps on the way."""

    steps: int = value("optimiser steps, each of one network", "steps", ge=1)
    batch: int = value("clips of a step in all; processes and micro-batches share them", "clips", ge=1)
    accumulate: int = value(
        "micro-batches that a step's batch is divided into, to save memory; the numbers stay the same",
        "micro-batches",
        default=1,
        ge=1,
    )
    checkpoint_activations: bool = value(
        "forget what units of the networks computed and compute it again in the backward pass: less memory, more time, "
        "the same numbers",
        default=False,
    )
    learning_rate: float = value("peak learning rate of AdamW", gt=0, lt=1)
    rate: Rate = value("how the learning rate rises and falls")
    weight_decay: float = value("AdamW's decoupled weight decay", ge=0, lt=1)
    clip: float = value("largest norm of the gradient", gt=0)
    ema_decay: float = value("decay of the averaged weights that are kept", ge=0, lt=1)
    precision: Literal["32-true", "bf16-mixed"] = value("arithmetic of matrix products; STFTs stay in float32")
    seed: int = value("seed of weights, order and noise", ge=0)
    log_every: int = value(
        "steps between rows of the training curves, which hold means over these steps", "steps", ge=1
    )
    validate_every: int = value("steps between validations; a multiple of log_every", "steps", ge=1)
    validation_clips: int = value("clips of the fixed batch that is validated on", "clips", ge=2)
    checkpoint_every: int = value("steps between checkpoints that a killed run resumes from", "steps", ge=1)
    keep_every: int | None = value(
        "steps between averaged weights that are kept for good, in the model's folder kept/; null: none",
        "steps",
        default=None,
        ge=1,
    )
    init_from: str | None = value(
        "folder of a model whose averaged weights training starts from, where name and shape agree", default=None
    )
    hold: tuple[str, ...] = value("parts of the network whose weights stay as they begin: [encoder_w_m]", default=())

    @model_validator(mode="after")
    def _numbers_fit(self) -> "TrainConfig":
        for name, whole, part in (
            ("validate_every", self.validate_every, "log_every"),
            ("batch", self.batch, "accumulate"),
        ):
            if whole % getattr(self, part):
                raise ValueError(f"{name} = {whole} must be a multiple of {part} = {getattr(self, part)}")
        return self
