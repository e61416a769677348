"""PADS-TAL: one diffusion transformer on the latents of one autoencoder, conditioned on T5 rows (PADS-TAL 2).

Two rows of the paper's table are this system: on audio-only latents (Stable Audio Open's), and on text-aware ones,
TAL = [w_m; z_p]. What is generated is all of the latent from noise, z_p too; the prompt enters through the denoiser's
cross-attention alone, whose padding rows are visible: the room in which PADS works.
"""

from typing import TYPE_CHECKING, Literal

from padstal.systems.latent_system import LatentSystemParams

if TYPE_CHECKING:
    from padstal.diffusion.checkpoint import TrainedDenoiser


class PadsTal(LatentSystemParams):
    """Told where in its track a clip lies, and how long the track is."""

    kind: Literal["pads_tal"] = "pads_tal"

    def usual(self, trained: "TrainedDenoiser") -> dict[str, float]:
        return {"seconds_start": 0.0, "seconds_total": trained.config.seconds_total}
