"""`train_diffusion`: denoisers of latents, one section a model (PADS-TAL 2.3, Stable Audio Open)."""

from typing import Annotated, Literal

from pydantic import ConfigDict, model_validator

from padstal.core.protocols import Objective
from padstal.core.section import Section, value
from padstal.diffusion.form import DenoiserForm, MdtBackbone
from padstal.diffusion.objective import OBJECTIVES, Masked
from padstal.training.config import TrainConfig

TextEncoderName = Annotated[
    Literal["text_encoder", "flan_t5"], value("text encoder whose states a denoiser reads; a role of `prepare`")
]


class DenoiserPlace(Section):
    """Where a denoiser belongs, as the list `denoisers` of `params.yaml` says."""

    codec: str = value("codec whose latents it learns", min_length=1)
    text: TextEncoderName
    folder: str = value(
        "of models/<scale>/diffusion: its name; of a system with two denoisers, both in one folder: discodiff/primary",
        pattern=r"^\w[\w-]*(/\w[\w-]*)?$",
    )


class DenoiserParams(Section):
    """One denoiser and its training."""

    form: DenoiserForm
    objective: Annotated[Objective, OBJECTIVES]
    dropout: float = value("probability of the null condition, per clip, for classifier-free guidance", ge=0, lt=1)
    lower_noise: float = value(
        "standard deviation of noise added to the standardised lower latent in training, for `generates: rest`",
        default=0.0,
        ge=0,
    )
    captions: Literal["refined", "original", "generated"] = value(
        "what it is told of a clip in training: the refined caption, the original or tags, or the captioner's; "
        "for codecs that read no text",
        default="refined",
    )
    quality_dropout: float = value("probability of an unknown quality level, per clip", default=0.0, ge=0, lt=1)
    quality_prefix: bool = value('whether captions say the quality: "high quality, …"', default=False)
    crop_frames: int | None = value(
        "latent frames of what it sees of a clip, cut at random; null: the whole clip",
        "latent frames",
        default=None,
        ge=1,
    )
    training: TrainConfig

    @property
    def told_quality(self) -> bool:
        """Whether it is told how good a clip sounds, as a token or in its caption."""
        return self.quality_prefix or bool(getattr(self.form.conditioner, "quality", False))

    @model_validator(mode="after")
    def _hides_what_there_is(self) -> "DenoiserParams":
        if isinstance(self.objective, Masked) and not isinstance(self.form.backbone, MdtBackbone):
            raise ValueError(f"objective masked: the backbone {self.form.backbone.kind} has no patches to hide")
        return self


class TrainDiffusionParams(Section):
    """One section a denoiser, by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DenoiserParams]
