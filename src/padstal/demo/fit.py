"""The one training loop of the small foundation models: AdamW, linear warm-up, cosine decay.

Everything random comes from `seed`, so equal inputs give equal weights on a CPU with an equal number of threads.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from padstal.demo.config import Fit
from padstal.training.learning_rate import Cosine

Progress = Callable[..., Iterable[Any]]
"""Wraps items in a progress bar; may be told their `total` and `unit`."""
WEIGHT_DECAY = 0.02
"""AdamW's, decoupled; of matrices alone."""
WARMUP_SHARE = 0.08
"""Share of the steps in which the learning rate rises."""


def rate(how: Fit, step: int) -> float:
    """Learning rate of step `step`, from 0: linear warm-up, then half a cosine down to zero."""
    cosine = Cosine(warmup_steps=max(1, round(WARMUP_SHARE * how.steps)), floor=0.0)
    return how.learning_rate * cosine.factor(step, how.steps)


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
    how: Fit,
    *,
    progress: Progress | None = None,
) -> list[float]:
    """Train `model` in place and leave it in eval mode.

    Args:
        model: What is trained, on its device.
        loss_of: From row numbers [batch] (int64, CPU) and a CPU generator for augmentation to a scalar loss.
        count: Number of training examples.
        how: Steps, batch, rate and seed.
        progress: Wraps the range of steps.

    Returns:
        The loss of every step.

    Raises:
        FloatingPointError: The loss is no longer finite.
    """
    generator = torch.Generator().manual_seed(how.seed)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    rest = [parameter for parameter in parameters if parameter.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}],
        lr=how.learning_rate,
        betas=(0.9, 0.98),
    )
    batches = _batches(count, how.batch, generator)
    losses: list[float] = []
    model.train()
    steps = range(how.steps)
    for step in progress(steps) if progress else steps:
        for group in optimiser.param_groups:
            group["lr"] = rate(how, step)
        loss = loss_of(next(batches), generator)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"loss = {loss.item()} at step {step}: lower learning_rate = {how.learning_rate}")
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
