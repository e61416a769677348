"""QA-MDT: a masked diffusion transformer on latents of a mel-spectrogram, told how good it is to sound (QA-MDT 4).

The quality is a level from 1 to 5 of p-MOS, told as a token, as a prefix of the caption, or both; guidance leads away
from the lowest level (`sampling/guidance/quality.py`).
"""

from typing import TYPE_CHECKING, Literal

from padstal.core.section import value
from padstal.sampling.quality_level import QUALITY, nearest_level
from padstal.systems.latent_system import LatentSystemParams

if TYPE_CHECKING:
    from padstal.diffusion.checkpoint import TrainedDenoiser


class QaMdt(LatentSystemParams):
    """Told the quality that is asked for."""

    kind: Literal["qa_mdt"] = "qa_mdt"
    quality: float = value("level that is asked for where a setting names none", "1 to 5", ge=1, le=5)

    def usual(self, trained: "TrainedDenoiser") -> dict[str, float]:
        return {QUALITY: nearest_level(self.quality, trained.config.levels)}
