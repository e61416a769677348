"""Latents in patches that may overlap, and back (QA-MDT 4.2, eq. 4).

Of a latent of L frames and F bands, patches of p_l × p_f that overlap by o_l × o_f are

    P = ⌈(L − p_l) / (p_l − o_l) + 1⌉ · ⌈(F − p_f) / (p_f − o_f) + 1⌉                                               (4)

The last ones may reach beyond the latent, which is padded with zeros. `assemble` averages where patches overlap and
cuts the padding off, so it undoes `extract` exactly.

Shape legend: B batch, D latent channels, L frames, F bands, P patches, frame by frame, E = D · p_l · p_f of one.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Patches:
    """How a latent of one form is cut.

    Attributes:
        shape: (L, F) of the latent.
        patch: (p_l, p_f).
        overlap: (o_l, o_f), each smaller than the patch.
    """

    shape: tuple[int, int]
    patch: tuple[int, int]
    overlap: tuple[int, int]

    def __post_init__(self) -> None:
        for axis, length, patch, overlap in zip(("l", "f"), self.shape, self.patch, self.overlap, strict=True):
            if not 0 <= overlap < patch <= length:
                raise ValueError(
                    f"patch p_{axis} = {patch}, overlap o_{axis} = {overlap} of a latent of {length}: expected "
                    "0 ≤ overlap < patch ≤ latent"
                )

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Patches along frames and along bands, (4)."""
        rows, columns = (
            -(-(length - patch) // (patch - overlap)) + 1
            for length, patch, overlap in zip(self.shape, self.patch, self.overlap, strict=True)
        )
        return rows, columns

    @property
    def count(self) -> int:
        """P."""
        return self.grid[0] * self.grid[1]

    @property
    def stride(self) -> tuple[int, int]:
        """From patch to patch."""
        return self.patch[0] - self.overlap[0], self.patch[1] - self.overlap[1]

    @property
    def padded(self) -> tuple[int, int]:
        """(L, F) that the patches reach over."""
        rows, columns = (
            (number - 1) * step + patch for number, step, patch in zip(self.grid, self.stride, self.patch, strict=True)
        )
        return rows, columns

    def extract(self, latent_BDLF: torch.Tensor) -> torch.Tensor:
        """Its patches [B, P, E].

        Raises:
            ValueError: Another latent than `shape`.
        """
        if tuple(latent_BDLF.shape[2:]) != self.shape:
            raise ValueError(f"latent of shape {tuple(latent_BDLF.shape[1:])}: expected (D, {self.shape})")
        (L, F), (padded_L, padded_F) = self.shape, self.padded
        padded = functional.pad(latent_BDLF, (0, padded_F - F, 0, padded_L - L))
        return functional.unfold(padded, self.patch, stride=self.stride).transpose(1, 2)

    def assemble(self, patches_BPE: torch.Tensor) -> torch.Tensor:
        """The latent [B, D, L, F] of patches, the mean where they overlap."""
        both = self._fold(patches_BPE)
        often = self._fold(torch.ones_like(patches_BPE[:1, :, : self.patch[0] * self.patch[1]]))
        L, F = self.shape
        return (both / often)[..., :L, :F]

    def _fold(self, patches_BPE: torch.Tensor) -> torch.Tensor:
        return functional.fold(patches_BPE.transpose(1, 2), self.padded, self.patch, stride=self.stride)
