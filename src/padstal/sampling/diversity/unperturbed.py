"""No method: what a diversity method is where its hooks change nothing. Others derive from it and override some."""

from typing import TYPE_CHECKING, ClassVar, Literal

from padstal.core.protocols import Group, Noise
from padstal.core.section import Section

if TYPE_CHECKING:
    from torch import Tensor


class DiversityHooks(Section):
    """The hooks of `protocols.DiversityMethod`, changing nothing."""

    couples: ClassVar[bool] = False
    reads_codes: ClassVar[bool] = False

    def perturbs(self, t: float) -> bool:
        return False

    def condition(self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", t: float) -> "Tensor":
        return text_BLC

    def condition_uncond(
        self, text_BLC: "Tensor", mask_BL: "Tensor", noise_BLC: "Tensor", own: Noise, t: float
    ) -> "Tensor":
        return text_BLC

    def guide(self, x_ID: "Tensor", denoised_ID: "Tensor", sigma: float, group: Group) -> "Tensor":
        return denoised_ID


class Unperturbed(DiversityHooks):
    """The model alone."""

    kind: Literal["none"] = "none"
