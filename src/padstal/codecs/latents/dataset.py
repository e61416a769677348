"""Batches of latents for training: read by index from one memory map, drawn from the posterior, normalised.

Rows and noise of a step depend on (seed, step) alone, so a resumed run sees what an uninterrupted one would. One fancy
index a batch; no worker process.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.streams import generator
from padstal.training.batch_order import BatchOrder
from padstal.training.distributed_shard import WHOLE, DistributedShard

POSTERIOR_STREAM = 3


@dataclass(frozen=True)
class LatentBatch:
    """Normalised latents, and which clips they are of.

    Attributes:
        latent_BD: Draws from the posterior [B, D, …], normalised, float32.
        clip_ids: One a clip.
        start_B: Where in its clip each begins, s, float32; None for whole clips.
    """

    latent_BD: torch.Tensor
    clip_ids: list[str]
    start_B: np.ndarray | None = None


class LatentDataset:
    """The latents of a store (use `LatentStore.only` for one split) as an indexable set of batches.

    Args:
        store: Of the latents.
        statistics: They are normalised with.
        weight_N: How often each is drawn, relative to the others; `None` draws each once an epoch.
        crop: Frames that are cut at random out of each clip; `None` for whole clips.
    """

    def __init__(
        self,
        store: LatentStore,
        statistics: LatentStatistics,
        weight_N: np.ndarray | None = None,
        crop: int | None = None,
    ):
        self.store = store
        self.crop = crop
        self.statistics = statistics
        self.weight_N = weight_N
        self.clip_ids = store.index["clip_id"].tolist()
        self._rows = store.index["row"].to_numpy()

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, items: np.ndarray, generator: torch.Generator, shard: DistributedShard = WHOLE) -> LatentBatch:
        """The batch of `items` (0 ≤ item < len), or a shard of it; x = μ + σ·ε with ε from `generator`."""
        items, config = shard.of(items), self.store.config
        first_B = start_B = None
        if self.crop is not None:
            share_B = shard.rand((len(items),), generator).numpy()
            first_B = (share_B * (config.shape[1] - self.crop + 1)).astype(np.int64)
            start_B = (first_B * config.ratio / config.sample_rate).astype(np.float32)
        mean, std = self.store.posterior(self._rows[items], first_B, self.crop or 0)
        mean_BD, std_BD = torch.from_numpy(mean), torch.from_numpy(std)
        noise_BD = shard.randn(mean_BD.shape, generator)
        latent_BD = self.statistics.normalise(mean_BD + std_BD * noise_BD)
        return LatentBatch(latent_BD, [self.clip_ids[i] for i in items], start_B)

    def batches(
        self, *, batch: int, start: int, stop: int, seed: int, shard: DistributedShard = WHOLE
    ) -> Iterator[LatentBatch]:
        """Batches of steps `start` … `stop` − 1, or a shard of each; step s is the same whatever `start` is."""
        order = BatchOrder(len(self), batch, seed, self.weight_N)
        for step in range(start, stop):
            yield self.batch(order.items(step), generator(seed, step, POSTERIOR_STREAM), shard)
