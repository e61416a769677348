"""DiscoDiff: from coarse to fine on the latents of a residual quantiser, DAC's (DiscoDiff 3.3).

The primary denoiser generates the latent of the first codebook, which carries the music's content; the secondary one is
told it and generates those of all others, the details. Both are trained on their own, the secondary with true primary
latents; at sampling it is told the generated one as it is, and never changes it.
"""

from typing import ClassVar, Literal

from padstal.core.section import value
from padstal.systems.latent_system import LatentSystemParams


class DiscoDiff(LatentSystemParams):
    """Told the text alone."""

    parts: ClassVar[tuple[str, ...]] = ("primary", "secondary")

    kind: Literal["discodiff"] = "discodiff"
    perturbed: tuple[Literal["primary", "secondary"], ...] = value(
        "denoisers that CADS, PADS and other diversity methods act on"
    )

    def perturbs(self, part: str) -> bool:
        return part in self.perturbed
