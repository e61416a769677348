"""The diagonal Gaussian bottleneck of Stable Audio Open.

The encoder gives a mean μ and a raw scale s, and

    σ = softplus(s + softplus⁻¹(σ₀)) + 1e-4                                                                       (1)
    x = μ + σ·ε,  ε ~ N(0, I)                                                                                     (2)
    KL = mean over batch and frames of Σ over channels of (μ² + σ² − log σ² − 1)                                  (3)

σ₀ is the spread at s = 0, where training begins; Stable Audio Open has no shift, which is σ₀ = ln 2 ≈ 0.693. A
smaller one lets decoders hear the mean from the first step, which a short training needs.

(3) lacks the factor ½ of the divergence, as Stable Audio Open's does: weights of other code do not transfer.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from padstal.training.distributed_shard import WHOLE, DistributedShard

UNSHIFTED_STD = math.log(2)
"""σ₀ of (1) without a shift."""


@dataclass(frozen=True)
class Gaussian:
    """A posterior: `mean` and `std`, each [B, D, T], float32."""

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def from_features(cls, features_BET: torch.Tensor, initial_std: float = UNSHIFTED_STD) -> "Gaussian":
        """(1) from [B, E = 2D, T]: the first D channels are the mean, the others the raw scale; σ₀ = `initial_std`."""
        mean, scale = features_BET.float().chunk(2, dim=1)
        shift = math.log(math.expm1(initial_std))
        return cls(mean, functional.softplus(scale + shift) + 1e-4)

    def sample(self, generator: torch.Generator, shard: DistributedShard = WHOLE) -> torch.Tensor:
        """(2); `generator` lies on the CPU, so that a draw does not depend on the device."""
        noise = shard.randn(self.mean.shape, generator).to(self.mean.device)
        return self.mean + self.std * noise

    def kl_by_channel(self) -> torch.Tensor:
        """(3) by channel [D]."""
        variance = self.std * self.std
        return (self.mean * self.mean + variance - variance.log() - 1).mean(dim=(0, 2))

    def kl(self) -> torch.Tensor:
        """(3)."""
        return self.kl_by_channel().sum()
