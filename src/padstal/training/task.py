"""What the training loop asks of what it trains: networks with an optimiser each, and the loss of a step.

A task says which network moves at a step, and may hold several: a generator and its discriminator, a student and its
critic. All that it draws comes from (seed, step), so that the loop can go on from any step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from padstal.training.distributed_shard import DistributedShard
from padstal.training.learning_rate import RateSchedule

BatchT = TypeVar("BatchT", bound="Batch")


class Batch(Protocol):
    """A step's items, or a shard of them."""

    @property
    def step(self) -> int:
        """The step's number, from 0."""
        ...

    @property
    def clip_ids(self) -> Sequence[str]:
        """Names of the items."""
        ...

    def to(self: BatchT, device: torch.device) -> BatchT:
        """The same on `device`."""
        ...


@dataclass(frozen=True)
class AdamW:
    """An optimiser: decoupled weight decay (Loshchilov and Hutter, 2019), a rate schedule, a clipped gradient.

    Attributes:
        learning_rate: Peak rate.
        rate: How it rises and falls.
        betas: Of the two moments.
        weight_decay: Decoupled.
        clip: Largest norm of the gradient.
        start: Step at which the network begins to learn.
    """

    learning_rate: float
    rate: RateSchedule
    betas: tuple[float, float]
    weight_decay: float
    clip: float
    start: int = 0

    def at(self, step: int, steps: int) -> float:
        """Learning rate of step `step` of `steps`."""
        return self.learning_rate * self.rate.factor(step, steps, self.start)

    def over(self, module: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of a module's parameters."""
        return torch.optim.AdamW(
            module.parameters(), lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay, fused=True
        )


@dataclass(frozen=True)
class Network:
    """A module that is trained, and how."""

    module: nn.Module
    optimiser: AdamW


@dataclass(frozen=True)
class Move:
    """What one step asks for.

    Attributes:
        network: Name of the network that moves.
        loss: What it descends on; a mean over the shard's items.
        scalars: Terms for the curves, by name.
    """

    network: str
    loss: torch.Tensor
    scalars: Mapping[str, torch.Tensor]


class Task(Protocol):
    """What is trained."""

    @property
    def networks(self) -> Mapping[str, Network]:
        """By name."""
        ...

    @property
    def averaged(self) -> str:
        """Name of the network whose average is the result."""
        ...

    def batches(self, start: int, stop: int, shard: DistributedShard) -> Iterator[Any]:
        """A `Batch` for each of the steps `start` … `stop` − 1: `shard` of it; a step does not depend on `start`."""
        ...

    def step(self, batch: Any, shard: DistributedShard) -> Move:
        """The loss of `shard` of a step's batch; all shards of a step move the same network."""
        ...

    def validate(self, average: Any) -> dict[str, float]:
        """Values of the averaged network for a row of the curves."""
        ...

    def weights(self, average: Any) -> dict[str, torch.Tensor]:
        """What of the averaged network is kept on disk, by name, on the CPU."""
        ...
