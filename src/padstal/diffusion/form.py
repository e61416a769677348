"""What a denoiser is put together of, as params and checkpoints say it; each part is one of a table of kinds."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import model_validator

from padstal.core.kinds import Kinds
from padstal.core.protocols import Prediction, Schedule
from padstal.core.section import Count, Section, value
from padstal.diffusion.prediction import PREDICTIONS
from padstal.diffusion.schedule import SCHEDULES

if TYPE_CHECKING:
    from torch import nn

    from padstal.diffusion.conditioning import TimingConditioner
    from padstal.diffusion.quality_conditioning import QualityConditioner


class TextAndTiming(Section):
    """Stable Audio Open's conditioner: text rows, seconds_start, seconds_total."""

    kind: Literal["text_timing"] = "text_timing"

    def build(self, text_width: int) -> "TimingConditioner":
        """Fresh, for text states of `text_width` features."""
        from padstal.diffusion.conditioning import TimingConditioner

        return TimingConditioner(text_width)


class TextAndQuality(Section):
    """QA-MDT's conditioner: text rows with their mask, and the quality level."""

    kind: Literal["text_quality"] = "text_quality"
    quality: bool = value("whether the backbone is told the quality level, as a token")

    def build(self, text_width: int) -> "QualityConditioner":
        """Fresh, for text states of `text_width` features."""
        from padstal.diffusion.quality_conditioning import QualityConditioner

        return QualityConditioner(text_width, self.quality)


CONDITIONERS = Kinds("conditioner", TextAndTiming, TextAndQuality)


class DiTBackbone(Section):
    """Stable Audio Open's diffusion transformer (`nn/dit.py`)."""

    kind: Literal["dit"] = "dit"
    width: int = value("features of a token", "features", ge=16)
    depth: int = value("transformer blocks", "blocks", ge=1)
    heads: int = value("attention heads", "heads", ge=1)
    cross_heads: int = value("heads of keys and values in cross-attention; divides `heads`", "heads", ge=1)
    feed_forward: int = value("hidden features of the gated feed-forward, as a multiple of the width", "×", ge=1, le=8)

    @model_validator(mode="after")
    def _fits(self) -> "DiTBackbone":
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} must be a multiple of heads = {self.heads}")
        if self.heads % self.cross_heads:
            raise ValueError(f"heads = {self.heads} must be a multiple of cross_heads = {self.cross_heads}")
        return self

    def build(self, latent_shape: tuple[int, ...], conditioner: "TimingConditioner") -> "nn.Module":
        """Fresh, for latents [D, T] and what `conditioner` gives.

        Raises:
            ValueError: Latents of another number of dimensions.
        """
        from padstal.nn.dit import DiT

        if len(latent_shape) != 2:
            raise ValueError(f"latents of shape {latent_shape}: a dit takes (channels, frames)")
        sizes = self.model_dump(exclude={"kind"})
        widths = {"cond_width": conditioner.width, "global_width": conditioner.global_width}
        return DiT(latent_channels=latent_shape[0], **sizes, **widths)


class MdtBackbone(Section):
    """QA-MDT's masked diffusion transformer (`nn/mdt.py`)."""

    kind: Literal["mdt"] = "mdt"
    patch: tuple[Count, Count] = value("frames and bands of a patch", "latent frames, bands")
    overlap: tuple[int, int] = value("of neighbouring patches", "latent frames, bands")
    width: int = value("features of a token", "features", ge=16, multiple_of=4)
    heads: int = value("attention heads", "heads", ge=1)
    encoder_blocks: int = value("blocks that see visible patches alone", "blocks", ge=2, multiple_of=2)
    decoder_blocks: int = value("blocks that see all patches", "blocks", ge=1)
    feed_forward: int = value("hidden features of the feed-forward, as a multiple of the width", "×", ge=1, le=8)
    positions: Literal["rope2d", "sincos"] = value("rotation along both axes (the paper), or sines (its code)")
    padding: Literal["masked", "visible"] = value("rows of padding in cross-attention; PADS needs them visible")

    @model_validator(mode="after")
    def _fits(self) -> "MdtBackbone":
        if self.width % (4 * self.heads):
            raise ValueError(f"width = {self.width} must be a multiple of 4 · heads = {4 * self.heads}")
        for axis, patch, overlap in zip(("frames", "bands"), self.patch, self.overlap, strict=True):
            if not 0 <= overlap < patch:
                raise ValueError(f"overlap of {axis} = {overlap}: expected 0 ≤ overlap < patch = {patch}")
        return self

    def build(self, latent_shape: tuple[int, ...], conditioner: "QualityConditioner") -> "nn.Module":
        """Fresh, for latents [D, L, F] and what `conditioner` gives.

        Raises:
            ValueError: Latents of another number of dimensions, or smaller than a patch.
        """
        from padstal.nn.mdt import Mdt

        if len(latent_shape) != 3:
            raise ValueError(f"latents of shape {latent_shape}: an mdt takes (channels, frames, bands)")
        channels, frames, bands = latent_shape
        sizes: dict[str, Any] = self.model_dump(exclude={"kind"})
        return Mdt(
            latent_shape=(channels, frames, bands),
            cond_width=conditioner.width,
            quality=conditioner.quality,
            **sizes,
        )


BACKBONES = Kinds("backbone", DiTBackbone, MdtBackbone)


class DenoiserForm(Section):
    """Conditioner, backbone, schedule and prediction: all that it takes to build a denoiser again."""

    conditioner: Annotated[Any, CONDITIONERS]
    backbone: Annotated[Any, BACKBONES]
    schedule: Annotated[Schedule, SCHEDULES]
    prediction: Annotated[Prediction, PREDICTIONS]

    @model_validator(mode="after")
    def _go_together(self) -> Any:
        kinds = (getattr(self.schedule, "kind", ""), getattr(self.prediction, "kind", ""))
        if kinds == ("flow", "v"):
            raise ValueError("prediction v under schedule flow: v needs α² + σ² = 1; expected flow_velocity")
        needed = {"dit": "text_timing", "mdt": "text_quality"}.get(getattr(self.backbone, "kind", ""))
        if needed and self.conditioner.kind in ("text_timing", "text_quality") and self.conditioner.kind != needed:
            found = f"backbone {self.backbone.kind} with conditioner {self.conditioner.kind}"
            raise ValueError(f"{found}: expected {needed}")
        return self
