"""Per-channel statistics that bring latents to zero mean and unit variance, taken on the training split alone.

A latent that diffusion sees is a draw x = μ + σ·ε, so with the law of total variance
    E[x] = E[μ],    Var[x] = Var[μ] + E[σ²]                                                                       (1)
over clips and places, channel by channel, or over the channels of a group too (DiscoDiff: a codebook's), which then
share mean and deviation. Latents are [B, D, …]: channels first, then frames, or frames and features.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from padstal.core.tensor_files import read_safetensors
from padstal.core.untrusted import expecting

SMALLEST_STD = 1e-4
"""A channel that never varies is divided by this, not by zero."""


@dataclass(frozen=True)
class LatentStatistics:
    """Mean and standard deviation of each latent channel, float32 [D]."""

    mean_D: torch.Tensor
    std_D: torch.Tensor

    def normalise(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """(x − mean) / std, channel by channel; any latent [B, D, …]."""
        return (latent_BD - self._column(self.mean_D, latent_BD)) / self._column(self.std_D, latent_BD)

    def denormalise(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """The inverse of `normalise`."""
        return latent_BD * self._column(self.std_D, latent_BD) + self._column(self.mean_D, latent_BD)

    def first(self, channels: int) -> "LatentStatistics":
        """Those of the first channels."""
        return LatentStatistics(self.mean_D[:channels], self.std_D[:channels])

    def save(self, path: Path) -> None:
        """Write `mean` and `std` as safetensors."""
        from safetensors.torch import save_file

        save_file({"mean": self.mean_D.contiguous(), "std": self.std_D.contiguous()}, path)

    @classmethod
    def load(cls, path: Path) -> "LatentStatistics":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: There is none.
            UntrustedFileError: It is damaged, or holds no two vectors of equal length, finite, the second positive.
        """
        tensors = read_safetensors(path)
        with expecting("statistics of latents", path):
            mean_D, std_D = tensors["mean"], tensors["std"]
            if mean_D.ndim != 1 or mean_D.shape != std_D.shape:
                raise ValueError(f"mean {tuple(mean_D.shape)} and std {tuple(std_D.shape)}: expected two vectors")
            if not (mean_D.isfinite().all() and std_D.isfinite().all() and (std_D > 0).all()):
                raise ValueError("expected finite numbers, and a std above 0")
        return cls(mean_D, std_D)

    @staticmethod
    def _column(values_D: torch.Tensor, like_BD: torch.Tensor) -> torch.Tensor:
        if like_BD.shape[1] != len(values_D):
            raise ValueError(f"latent of {like_BD.shape[1]} channels, statistics of {len(values_D)}")
        return values_D.to(like_BD).view(-1, *[1] * (like_BD.ndim - 2))


def measure(
    posteriors: Iterable[tuple[np.ndarray, np.ndarray]], pooled: Mapping[str, tuple[int, int]] | None = None
) -> LatentStatistics:
    """Statistics of batches of posterior mean and standard deviation [B, D, …], in float64.

    Args:
        posteriors: The batches.
        pooled: Name → [start, stop) of groups of channels that share theirs.

    Raises:
        ValueError: There is no batch.
    """
    count = 0
    total_D = square_D = variance_D = np.zeros(0)
    for mean_BD, std_BD in posteriors:
        mean, variance = mean_BD.astype(np.float64), std_BD.astype(np.float64) ** 2
        if not count:
            total_D, square_D, variance_D = (np.zeros(mean.shape[1]) for _ in range(3))
        others = (0, *range(2, mean.ndim))
        count += mean.size // mean.shape[1]
        total_D = total_D + mean.sum(axis=others)
        square_D = square_D + (mean**2).sum(axis=others)
        variance_D = variance_D + variance.sum(axis=others)
    if not count:
        raise ValueError("no latents to take statistics of; is the training split empty?")
    for start, stop in (pooled or {}).values():
        for sum_D in (total_D, square_D, variance_D):
            sum_D[start:stop] = sum_D[start:stop].mean()
    mean_D = total_D / count
    # (1)
    std_D = np.sqrt(np.maximum(square_D / count - mean_D**2, 0) + variance_D / count)
    std_D = np.maximum(std_D, SMALLEST_STD)
    return LatentStatistics(torch.from_numpy(mean_D).float(), torch.from_numpy(std_D).float())
