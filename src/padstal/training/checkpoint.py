"""The checkpoint of a training: all that a killed run needs to go on as if nothing had been, in one file.

A file's name holds its step and the SHA-256 of its bytes. The last two are kept: a damaged one, or what is none, is set
aside, and the training goes on from the one before.
"""

import logging
import pickle
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from padstal.core.data.atomic import atomic_file
from padstal.core.data.content import sha256_file

KEPT_CHECKPOINTS = 2
ENDING = ".ckpt"
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

    def write(self, folder: Path) -> None:
        """Write it into `folder` and remove all but the last `KEPT_CHECKPOINTS`; at no moment is there none."""
        unnamed = folder / "unnamed"
        with atomic_file(unnamed) as temporary:
            torch.save({**vars(self), "curves": asdict(self.curves)}, temporary)
        unnamed.replace(folder / f"{self.step:08d}-{sha256_file(unnamed)}{ENDING}")
        for old in checkpoints(folder)[:-KEPT_CHECKPOINTS]:
            old.unlink()

    @classmethod
    def read(cls, folder: Path, device: torch.device) -> "Checkpoint | None":
        """The last undamaged one that `write` wrote, or None; nothing is unpickled but tensors and plain values."""
        for path in reversed(checkpoints(folder)):
            if cls._is_whole(path):
                return cls._load(path, device)
            aside = path.with_suffix(".damaged")
            with suppress(FileNotFoundError):  # another process of this training was faster
                path.replace(aside)
            logging.getLogger(__name__).warning("%s: damaged, the training goes on from one before, or anew", aside)
        return None

    @classmethod
    def _is_whole(cls, path: Path) -> bool:
        """Whether `write` wrote it; it is mapped, not read, and no fault of a device counts as the file's."""
        if path.is_file() and path.stem.partition("-")[2] == sha256_file(path):
            with suppress(RuntimeError, pickle.UnpicklingError, LookupError, TypeError):
                cls._load(path, torch.device("cpu"))
                return True
        return False

    @classmethod
    def _load(cls, path: Path, device: torch.device) -> "Checkpoint":
        state = torch.load(path, map_location=device, mmap=True, weights_only=True)
        return cls(**{**state, "curves": Curves(**state["curves"])})


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the oldest first."""
    return sorted(path for path in folder.glob(f"*{ENDING}") if not path.is_dir())
