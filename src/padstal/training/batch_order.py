"""The order of training items as a function of seed and step alone.

Without weights: epochs of permutations, laid end to end. With weights w: each step is a draw with replacement, where
item i is expected batch · wᵢ / Σw times. The draw is stratified: place j of B takes the item at

    Σw · (j + u_j) / B of the summed weights,  u_j uniform in [0, 1)                   (1)

so that a batch holds no more copies of an item than its weight asks for; then the places are shuffled.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

WEIGHTED_STREAM = 2
EPOCHS_AT_HAND = 2
"""A batch may end one epoch and begin the next."""


@dataclass(frozen=True)
class BatchOrder:
    """Which of `count` items make up the batch of each step.

    Attributes:
        count: Items.
        batch: Items of a batch; may be larger than `count`.
        seed: Of the permutations or draws.
        weight_N: How often each item is drawn, relative to the others; `None`, or all equal, for permutations.
    """

    count: int
    batch: int
    seed: int
    weight_N: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or self.batch < 1:
            raise ValueError(f"count = {self.count}, batch = {self.batch}: both must be at least 1")
        weight_N = self.weight_N
        if weight_N is None:
            return
        if weight_N.shape != (self.count,):
            raise ValueError(f"weights of shape {weight_N.shape}: expected one for each of {self.count} items")
        if not (np.isfinite(weight_N).all() and (weight_N >= 0).all() and weight_N.sum() > 0):
            raise ValueError("weights: expected finite numbers of at least 0, and not all 0")
        if np.ptp(weight_N) == 0:
            object.__setattr__(self, "weight_N", None)

    def items(self, step: int) -> np.ndarray:
        """Item numbers [batch] of step `step`."""
        if self.weight_N is not None:
            return self._draw(step)
        positions = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs = positions // self.count
        orders = {epoch: _permutation(self.count, self.seed, int(epoch)) for epoch in np.unique(epochs)}
        return np.array(
            [orders[epoch][position % self.count] for epoch, position in zip(epochs, positions, strict=True)]
        )

    @cached_property
    def _edges(self) -> tuple[np.ndarray, int]:
        """Summed weights [N], and the last item that has any."""
        assert self.weight_N is not None
        return np.cumsum(self.weight_N, dtype=np.float64), int(np.flatnonzero(self.weight_N)[-1])

    def _draw(self, step: int) -> np.ndarray:
        generator = np.random.default_rng([self.seed, step, WEIGHTED_STREAM])
        edges_N, last = self._edges
        at_B = edges_N[-1] * (np.arange(self.batch) + generator.random(self.batch)) / self.batch  # (1)
        drawn_B = np.minimum(np.searchsorted(edges_N, at_B, side="right"), last)
        return generator.permutation(drawn_B)


@lru_cache(maxsize=EPOCHS_AT_HAND)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of an epoch: drawn once, then at hand for all its steps, whichever shard asks."""
    return np.random.default_rng([seed, epoch]).permutation(count)
