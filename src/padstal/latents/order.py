"""The order of training items: epochs of permutations, laid end to end, as a function of seed and step alone."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BatchOrder:
    """Which of `count` items make up the batch of each step: epochs of permutations, laid end to end.

    Attributes:
        count: Items.
        batch: Items of a batch; may be larger than `count`.
        seed: Of the permutations.
    """

    count: int
    batch: int
    seed: int

    def __post_init__(self) -> None:
        if self.count < 1 or self.batch < 1:
            raise ValueError(f"count = {self.count}, batch = {self.batch}: both must be at least 1")

    def items(self, step: int) -> np.ndarray:
        """Item numbers [batch] of step `step`."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs = positions // self.count
        orders = {epoch: self._permutation(int(epoch)) for epoch in np.unique(epochs)}
        return np.array(
            [orders[epoch][position % self.count] for epoch, position in zip(epochs, positions, strict=True)]
        )

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(self.count)
