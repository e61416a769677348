"""Per-channel statistics that bring latents to zero mean and unit variance, taken on the training split alone.

A latent that diffusion sees is a draw x = μ + σ·ε, so with the law of total variance
    E[x] = E[μ],    Var[x] = Var[μ] + E[σ²]                                                                       (1)
over clips and frames, channel by channel.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

SMALLEST_STD = 1e-4
"""A channel that never varies is divided by this, not by zero."""


@dataclass(frozen=True)
class LatentStatistics:
    """Mean and standard deviation of each latent channel, float32 [D]."""

    mean_D: torch.Tensor
    std_D: torch.Tensor

    def normalise(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """(x − mean) / std, channel by channel; any latent [B, D, T]."""
        return (latent_BDT - self._column(self.mean_D, latent_BDT)) / self._column(self.std_D, latent_BDT)

    def denormalise(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """The inverse of `normalise`."""
        return latent_BDT * self._column(self.std_D, latent_BDT) + self._column(self.mean_D, latent_BDT)

    def save(self, path: Path) -> None:
        """Write `mean` and `std` as safetensors."""
        from safetensors.torch import save_file

        save_file({"mean": self.mean_D.contiguous(), "std": self.std_D.contiguous()}, path)

    @classmethod
    def load(cls, path: Path) -> "LatentStatistics":
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        tensors = load_file(path)
        return cls(tensors["mean"], tensors["std"])

    @staticmethod
    def _column(values_D: torch.Tensor, like_BDT: torch.Tensor) -> torch.Tensor:
        if like_BDT.shape[-2] != len(values_D):
            raise ValueError(f"latent of {like_BDT.shape[-2]} channels, statistics of {len(values_D)}")
        return values_D.to(like_BDT)[:, None]


def measure(posteriors: Iterable[tuple[np.ndarray, np.ndarray]]) -> LatentStatistics:
    """Statistics of batches of posterior mean and standard deviation [B, D, T], in float64.

    Raises:
        ValueError: There is no batch.
    """
    count = 0
    total_D = square_D = variance_D = np.zeros(0)
    for mean_BDT, std_BDT in posteriors:
        mean, variance = mean_BDT.astype(np.float64), std_BDT.astype(np.float64) ** 2
        if not count:
            total_D, square_D, variance_D = (np.zeros(mean.shape[1]) for _ in range(3))
        count += mean.shape[0] * mean.shape[2]
        total_D = total_D + mean.sum(axis=(0, 2))
        square_D = square_D + (mean**2).sum(axis=(0, 2))
        variance_D = variance_D + variance.sum(axis=(0, 2))
    if not count:
        raise ValueError("no latents to take statistics of; is the training split empty?")
    mean_D = total_D / count
    # (1)
    std_D = np.sqrt(np.maximum(square_D / count - mean_D**2, 0) + variance_D / count)
    std_D = np.maximum(std_D, SMALLEST_STD)
    return LatentStatistics(torch.from_numpy(mean_D).float(), torch.from_numpy(std_D).float())
