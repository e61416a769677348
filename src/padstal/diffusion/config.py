"""`train_diffusion`: denoisers of latents, one section a model (PADS-TAL 2.3, Stable Audio Open)."""

from typing import Annotated

from pydantic import ConfigDict

from padstal.core.protocols import Objective
from padstal.core.section import Section, value
from padstal.diffusion.form import DenoiserForm
from padstal.diffusion.objective import OBJECTIVES
from padstal.training.config import TrainConfig


class DenoiserPlace(Section):
    """Where a denoiser belongs, as the list `denoisers` of `params.yaml` says."""

    codec: str = value("codec whose latents it learns", min_length=1)


class DenoiserParams(Section):
    """One denoiser and its training."""

    form: DenoiserForm
    objective: Annotated[Objective, OBJECTIVES]
    dropout: float = value("probability of the null condition, per clip, for classifier-free guidance", ge=0, lt=1)
    training: TrainConfig


class TrainDiffusionParams(Section):
    """One section a denoiser, by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DenoiserParams]
