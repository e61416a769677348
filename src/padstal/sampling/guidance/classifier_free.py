"""Classifier-free guidance, in the field's form (Ho & Salimans 2022).

v̂ = v(x, ∅) + w (v(x, c) − v(x, ∅))                                                                           (1)
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Branch
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor


class ClassifierFree(Section):
    """The same w at every noise level."""

    kind: Literal["cfg"] = "cfg"
    w: float = value("w; 1 is the conditional model alone, in half the work")

    @property
    def told(self) -> dict[str, Branch]:
        """ "uncond": no text."""
        return {"uncond": Branch(None, {})}

    def branches(self, sigma: float) -> tuple[str, ...]:
        return ("cond",) if self.w == 1 else ("cond", "uncond")

    def mix(self, outputs: "Mapping[str, Tensor]", sigma: float) -> "Tensor":
        """(1)."""
        if "uncond" not in outputs:
            return outputs["cond"]
        return outputs["uncond"] + self.w * (outputs["cond"] - outputs["uncond"])
