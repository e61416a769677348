"""The checkpoint of a training: all that a killed run needs to go on as if nothing had been, in one file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from padstal.core.data.atomic import atomic_file

CHECKPOINT = "training.ckpt"
"""Its name in the folder of a training's state."""
Row = dict[str, float]


@dataclass
class Curves:
    """Rows so far, and what the next one is made of: sum and count of each quantity since the last."""

    rows: list[Row] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, values: Row) -> None:
        """Take in a step's values."""
        for name, number in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + number
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> Row:
        """Mean of each quantity since it was last asked for."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums, self.counts = {}, {}
        return means


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps; networks and optimisers are state dicts by name, `average` is one."""

    step: int
    networks: dict[str, Any]
    average: dict[str, Any]
    optimisers: dict[str, Any]
    curves: Curves

    def write(self, path: Path) -> None:
        """Write it atomically."""
        with atomic_file(path) as temporary:
            torch.save({**vars(self), "curves": asdict(self.curves)}, temporary)

    @classmethod
    def read(cls, path: Path, device: torch.device) -> "Checkpoint | None":
        """What `write` wrote, or None where there is nothing; nothing is unpickled but tensors and plain values."""
        if not path.exists():
            return None
        state = torch.load(path, map_location=device, weights_only=True)
        return cls(**{**state, "curves": Curves(**state["curves"])})
