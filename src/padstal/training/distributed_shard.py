"""One process's shard of each training batch, drawn so that all shards together are what one process would have drawn.

Processes that train together take equal numbers of items, in order: of a batch of B, process r of W takes the items
r·B/W … (r+1)·B/W − 1. Random numbers are drawn for the whole batch from (seed, step), and the shard's are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

SequenceT = TypeVar("SequenceT")


@dataclass(frozen=True)
class DistributedShard:
    """The shard of process `rank` of `world` processes."""

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"shard {self.rank} of {self.world}: expected 0 ≤ shard < {self.world}")

    def place(self, whole: int) -> slice:
        """Where the shard of `whole` items lies.

        Raises:
            ValueError: They cannot be shared evenly.
        """
        if whole % self.world:
            raise ValueError(
                f"{whole} items for {self.world} processes or micro-batches: expected a multiple of {self.world}"
            )
        own = whole // self.world
        return slice(self.rank * own, (self.rank + 1) * own)

    def divided(self, parts: int) -> list["DistributedShard"]:
        """The shards of `parts` micro-batches, in order; together they are this shard."""
        return [DistributedShard(self.rank * parts + part, self.world * parts) for part in range(parts)]

    def of(self, whole: SequenceT) -> SequenceT:
        """The shard of something that is indexed by item first: a tensor, an array, a list."""
        part: SequenceT = whole[self.place(len(whole))]  # type: ignore[index, arg-type]
        return part

    def randn(self, shape: Sequence[int], generator: "torch.Generator") -> "torch.Tensor":
        """Standard normals of this shard's `shape` (items first), on the CPU."""
        import torch

        return self.of(torch.randn((self.world * shape[0], *shape[1:]), generator=generator))

    def rand(self, shape: Sequence[int], generator: "torch.Generator") -> "torch.Tensor":
        """Uniform numbers of this shard's `shape` (items first), on the CPU."""
        import torch

        return self.of(torch.rand((self.world * shape[0], *shape[1:]), generator=generator))


WHOLE = DistributedShard()
"""One process alone."""
