"""Random streams: every sample has its own, named by (seed, index, stream), so no sample depends on its batch.

Noise is drawn on the CPU in float32 whatever the device and precision, then moved.
"""

from collections.abc import Sequence
from enum import IntEnum

import torch

from padstal.core.streams import generator


class Stream(IntEnum):
    """What a sample draws noise for; streams are independent of one another."""

    LATENT = 0
    """x_T."""
    PERTURBATION = 1
    """n of CADS and PADS, conditional branch."""
    NULL_PERTURBATION = 2
    """n of the null branch, if it is perturbed on its own."""
    SOLVER = 3
    """What a stochastic solver adds."""

    def of(self, place: int) -> int:
        """The stream's number for the denoiser at `place` in its system; that of the first is the stream's own."""
        return self + len(Stream) * place


class SampleNoise:
    """Standard normal noise of a batch, each row from its own generator."""

    def __init__(self, seeds: Sequence[int], indices: Sequence[int], stream: Stream, place: int = 0):
        """Open one stream for each (seed, index), of the denoiser at `place` in its system.

        Raises:
            ValueError: A seed or an index is negative.
        """
        if min([*seeds, *indices], default=0) < 0:
            raise ValueError(f"seeds {list(seeds)}, indices {list(indices)}: expected no negative number")
        self._generators = [
            generator(seed, index, stream.of(place)) for seed, index in zip(seeds, indices, strict=True)
        ]

    def draw(self, shape: Sequence[int], device: torch.device | str = "cpu") -> torch.Tensor:
        """Fresh noise [B, *shape], float32."""
        rows = [torch.randn(*shape, generator=own) for own in self._generators]
        return torch.stack(rows).to(device)
