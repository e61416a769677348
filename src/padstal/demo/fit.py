"""The one training loop of the small foundation models: AdamW, linear warm-up, cosine decay, bf16 autocast.

Everything random comes from `seed`, so equal inputs give equal weights on a CPU with an equal number of threads.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from padstal.training.learning_rate import Cosine

Progress = Callable[[range], Iterable[int]]
"""Wraps the steps of a loop in a progress bar."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch: Examples a step.
        learning_rate: The highest learning rate.
        seed: Seed of initial weights, order, augmentation and dropout.
        weight_decay: AdamW's decoupled weight decay.
        warmup_share: Share of the steps in which the learning rate rises.
    """

    steps: int
    batch: int
    learning_rate: float
    seed: int
    weight_decay: float = 0.02
    warmup_share: float = 0.08

    def rate(self, step: int) -> float:
        """Learning rate of step `step`, from 0."""
        cosine = Cosine(warmup_steps=max(1, round(self.warmup_share * self.steps)), floor=0.0)
        return self.learning_rate * cosine.factor(step, self.steps)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's global generator (dropout and initialisers use it) at `seed` inside the block, as before after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def fit(
    model: nn.Module,
    loss_of: Callable[[Tensor, torch.Generator], Tensor],
    count: int,
    schedule: Schedule,
    *,
    progress: Progress | None = None,
) -> list[float]:
    """Train `model` in place and leave it in eval mode.

    Args:
        model: What is trained, on its device.
        loss_of: From row numbers [batch] (int64, CPU) and a CPU generator for augmentation to a scalar loss.
        count: Number of training examples.
        schedule: Steps, batch, rate and seed.
        progress: Wraps the range of steps.

    Returns:
        The loss of every step.

    Raises:
        FloatingPointError: The loss is no longer finite.
    """
    generator = torch.Generator().manual_seed(schedule.seed)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    rest = [parameter for parameter in parameters if parameter.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": rest, "weight_decay": 0.0}],
        lr=schedule.learning_rate,
        betas=(0.9, 0.98),
    )
    device_type = next(model.parameters()).device.type
    batches = _batches(count, schedule.batch, generator)
    losses: list[float] = []
    model.train()
    steps = range(schedule.steps)
    for step in progress(steps) if progress else steps:
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step)
        with torch.autocast(device_type, dtype=torch.bfloat16):
            loss = loss_of(next(batches), generator)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"loss = {loss.item()} at step {step}: lower learning_rate = {schedule.learning_rate}"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def _batches(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers: every row once an epoch, in a new order each, epochs joined without a short batch."""
    if count < 1:
        raise ValueError(f"{count} training examples: expected at least one")
    rows = torch.empty(0, dtype=torch.int64)
    while True:
        while len(rows) < batch:
            rows = torch.cat([rows, torch.randperm(count, generator=generator)])
        yield rows[:batch]
        rows = rows[batch:]
