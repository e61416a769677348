"""What a denoiser is put together of, as params and checkpoints say it; each part is one of a table of kinds."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import model_validator

from padstal.core.kinds import Kinds
from padstal.core.protocols import Prediction, Schedule
from padstal.core.section import Count, Section, value
from padstal.diffusion.padding_codes import PaddingCodes
from padstal.diffusion.prediction import PREDICTIONS
from padstal.diffusion.schedule import SCHEDULES

if TYPE_CHECKING:
    from torch import nn

    from padstal.diffusion.conditioning import TimingConditioner
    from padstal.diffusion.text_conditioning import TextConditioner


class TextAndTiming(Section):
    """Stable Audio Open's conditioner: text rows, seconds_start, seconds_total."""

    kind: Literal["text_timing"] = "text_timing"

    def build(self, text_width: int) -> "TimingConditioner":
        """Fresh, for text states of `text_width` features."""
        from padstal.diffusion.conditioning import TimingConditioner

        return TimingConditioner(text_width)


class Text(Section):
    """QA-MDT's and DiscoDiff's conditioner: text rows with their mask, and the quality level where it is wanted."""

    kind: Literal["text"] = "text"
    quality: bool = value("whether the backbone is told the quality level, as a token", default=False)

    def build(self, text_width: int) -> "TextConditioner":
        """Fresh, for text states of `text_width` features."""
        from padstal.diffusion.text_conditioning import TextConditioner

        return TextConditioner(text_width, self.quality)


CONDITIONERS = Kinds("conditioner", TextAndTiming, Text)


def _check_axes(backbone: str, latent_shape: tuple[int, ...], *axes: str) -> None:
    if len(latent_shape) != len(axes):
        raise ValueError(f"latents of shape {latent_shape}: {backbone} takes ({', '.join(axes)})")


class DiTBackbone(Section):
    """Stable Audio Open's diffusion transformer (`nn/dit.py`)."""

    kind: Literal["dit"] = "dit"
    width: int = value("features of a token", "features", ge=16)
    depth: int = value("transformer blocks", "blocks", ge=1)
    heads: int = value("attention heads", "heads", ge=1)
    cross_heads: int = value("heads of keys and values in cross-attention; divides `heads`", "heads", ge=1)
    feed_forward: int = value("hidden features of the gated feed-forward, as a multiple of the width", "×", ge=1, le=8)
    learned_frequencies: bool = value(
        "learn the frequencies that it is told the time by, as Stable Audio Open's released code", default=False
    )

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

        _check_axes("a dit", latent_shape, "channels", "frames")
        return DiT(
            latent_channels=latent_shape[0],
            cond_width=conditioner.width,
            global_width=conditioner.global_width,
            **self.model_dump(exclude={"kind"}),
        )

    def frames_near(self, asked: int) -> int:
        """The latent frames nearest to `asked` that it can make: any, since its positions are rotations."""
        return asked


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

    def build(self, latent_shape: tuple[int, ...], conditioner: "TextConditioner") -> "nn.Module":
        """Fresh, for latents [D, L, F] and what `conditioner` gives.

        Raises:
            ValueError: Latents of another number of dimensions, or smaller than a patch.
        """
        from padstal.nn.mdt import Mdt

        _check_axes("an mdt", latent_shape, "channels", "frames", "bands")
        channels, frames, bands = latent_shape
        return Mdt(
            latent_shape=(channels, frames, bands),
            cond_width=conditioner.width,
            quality=conditioner.quality,
            **self.model_dump(exclude={"kind"}),
        )


class UNet1dBackbone(Section):
    """DiscoDiff's one-dimensional U-Net (`nn/unet1d.py`)."""

    kind: Literal["unet1d"] = "unet1d"
    width: int = value("channels of the first level", "channels", ge=4)
    multiples: tuple[Count, ...] = value("channels that each level ends with, in units of the width", min_length=1)
    blocks: int = value("residual blocks of a level, each way", "blocks", ge=1)
    attentions: int = value("how many of them linear attention follows", "blocks", ge=0)
    groups: int = value("of group normalisation; divides the width", "groups", ge=1)
    heads: int = value("attention heads", "heads", ge=1)
    linear_features: int = value("of a head of linear attention", "features", ge=4)
    cross_features: int = value("of a head of cross-attention", "features", ge=4)
    padding: Literal["masked", "visible"] = value("rows of padding in cross-attention; PADS needs them visible")

    @model_validator(mode="after")
    def _fits(self) -> "UNet1dBackbone":
        if self.width % self.groups:
            raise ValueError(f"width = {self.width} must be a multiple of groups = {self.groups}")
        if self.attentions >= self.blocks:
            raise ValueError(f"attentions = {self.attentions}: expected fewer than blocks = {self.blocks}")
        return self

    def build(
        self, latent_shape: tuple[int, ...], conditioner: "TextConditioner", *, lower_channels: int = 0
    ) -> "nn.Module":
        """Fresh, for latents [D, T], what `conditioner` gives, and a lower latent of so many channels.

        Raises:
            ValueError: Latents of another number of dimensions, or of frames that cannot be halved often enough.
        """
        from padstal.nn.unet1d import UNet1d, check_frames

        _check_axes("a unet1d", latent_shape, "channels", "frames")
        channels, frames = latent_shape
        check_frames(frames, len(self.multiples) - 1)
        return UNet1d(
            latent_channels=channels,
            lower_channels=lower_channels,
            cond_width=conditioner.width,
            **self.model_dump(exclude={"kind"}),
        )

    def frames_near(self, asked: int) -> int:
        """The latent frames nearest to `asked` that can be halved often enough."""
        multiple = 2 ** (len(self.multiples) - 1)
        return max(round(asked / multiple), 1) * multiple


class UNet2dBackbone(Section):
    """The U-Net that QA-MDT is compared with (`nn/unet2d.py`)."""

    kind: Literal["unet2d"] = "unet2d"
    width: int = value("channels of the first level", "channels", ge=4)
    multiples: tuple[Count, ...] = value("channels of each level, in units of the width", min_length=2)
    blocks: int = value("residual blocks of a level on the way down; one more on the way up", "blocks", ge=1)
    groups: int = value("of group normalisation; divides the width", "groups", ge=1)
    head_features: int = value("of an attention head; divides the width", "features", ge=4)
    padding: Literal["masked", "visible"] = value("rows of padding in cross-attention; PADS needs them visible")

    @model_validator(mode="after")
    def _fits(self) -> "UNet2dBackbone":
        for name in ("groups", "head_features"):
            if self.width % getattr(self, name):
                raise ValueError(f"width = {self.width} must be a multiple of {name} = {getattr(self, name)}")
        return self

    def build(self, latent_shape: tuple[int, ...], conditioner: "TextConditioner") -> "nn.Module":
        """Fresh, for latents [D, L, F] and what `conditioner` gives.

        Raises:
            ValueError: Latents of another number of dimensions.
        """
        from padstal.nn.unet2d import UNet2d

        _check_axes("a unet2d", latent_shape, "channels", "frames", "bands")
        return UNet2d(
            latent_channels=latent_shape[0],
            cond_width=conditioner.width,
            quality=conditioner.quality,
            **self.model_dump(exclude={"kind"}),
        )


BACKBONES = Kinds("backbone", DiTBackbone, MdtBackbone, UNet1dBackbone, UNet2dBackbone)


class DenoiserForm(Section):
    """Conditioner, backbone, schedule and prediction: all that it takes to build a denoiser again."""

    generates: Literal["whole", "first", "rest"] = value(
        "channel groups of the codec's latent: whole; the first (DiscoDiff's primary); or the rest, told the first",
        default="whole",
    )

    conditioner: Annotated[Any, CONDITIONERS]
    backbone: Annotated[Any, BACKBONES]
    schedule: Annotated[Schedule, SCHEDULES]
    prediction: Annotated[Prediction, PREDICTIONS]
    padding_codes: PaddingCodes | None = value("codes that it learns to read in padding; null for none", default=None)

    @model_validator(mode="after")
    def _go_together(self) -> Any:
        kinds = (getattr(self.schedule, "kind", ""), getattr(self.prediction, "kind", ""))
        if kinds == ("flow", "v"):
            raise ValueError("prediction v under schedule flow: v needs α² + σ² = 1; expected flow_velocity")
        backbone, conditioner = (getattr(part, "kind", "") for part in (self.backbone, self.conditioner))
        needed = {"dit": "text_timing", "mdt": "text", "unet1d": "text", "unet2d": "text"}.get(backbone)
        if needed and conditioner in ("text_timing", "text") and conditioner != needed:
            raise ValueError(f"backbone {backbone} with conditioner {conditioner}: expected {needed}")
        if self.generates == "rest" and backbone in ("dit", "mdt", "unet2d"):
            raise ValueError(f"generates = rest: the backbone {backbone} reads no lower latent; expected unet1d")
        return self
