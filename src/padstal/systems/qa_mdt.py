"""QA-MDT: a masked diffusion transformer on latents of a mel-spectrogram, told how good it is to sound (QA-MDT 4).

The quality is a level from 1 to 5 of p-MOS, told as a token, as a prefix of the caption, or both; guidance leads away
from the lowest level (`sampling/guidance/quality.py`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from padstal.core.section import Section, value
from padstal.systems.latent_system import LatentSystem, latent_folders, load_parts

if TYPE_CHECKING:
    import torch

    from padstal.core.paths import Paths


class QaMdt(Section):
    """Which codec, which denoiser, and the quality that is asked for."""

    kind: Literal["qa_mdt"] = "qa_mdt"
    codec: str = value("codec whose latents the denoiser learns", min_length=1)
    denoiser: str = value("section of `train_diffusion`", min_length=1)
    grid: str = value("settings that it is sampled with, of `sample.grids`", min_length=1)
    quality: float = value("level that is asked for where a setting names none", "1 to 5", ge=1, le=5)

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
        return LatentSystem(name, **parts, device=torch.device(device), attributes={"quality": self.quality})
