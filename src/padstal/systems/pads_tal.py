"""PADS-TAL: one diffusion transformer on the latents of one autoencoder, conditioned on T5 rows (PADS-TAL 2).

Two rows of the paper's table are this system: on audio-only latents (Stable Audio Open's), and on text-aware ones,
TAL = [w_m; z_p]. What is generated is all of the latent from noise, z_p too; the prompt enters through the denoiser's
cross-attention alone, whose padding rows are visible: the room in which PADS works.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from padstal.core.section import Section, value
from padstal.systems.latent_system import LatentSystem, latent_folders, load_parts

if TYPE_CHECKING:
    import torch

    from padstal.core.paths import Paths


class PadsTal(Section):
    """Which codec and which denoiser."""

    kind: Literal["pads_tal"] = "pads_tal"
    codec: str = value("codec whose latents the denoiser learns", min_length=1)
    denoiser: str = value("section of `train_diffusion`", min_length=1)
    grid: str = value("settings that it is sampled with, of `sample.grids`", min_length=1)

    @property
    def denoisers(self) -> tuple[str, ...]:
        """In the order that sampling runs them."""
        return (self.denoiser,)

    def folders(self, paths: "Paths") -> dict[str, Path]:
        """Where its models lie, by role."""
        return latent_folders(paths, self.codec, self.denoiser)

    def load(self, name: str, paths: "Paths", device: "torch.device | str") -> LatentSystem:
        """The models, checked to belong together.

        Raises:
            FileNotFoundError: A model has not been trained.
            MismatchError: The denoiser was trained with another codec or text encoder.
        """
        import torch

        parts = load_parts(self.folders(paths), torch.device(device))
        usual = {"seconds_start": 0.0, "seconds_total": parts["trained"].config.seconds_total}
        return LatentSystem(name, **parts, device=torch.device(device), attributes=usual)
