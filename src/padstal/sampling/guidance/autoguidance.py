"""Autoguidance: away from a weaker version of the model, told the same (Karras et al. 2024).

    v̂ = v_weak(x, c) + w (v(x, c) − v_weak(x, c))                                                                   (1)

The weaker version is one of fewer training steps (`weak_step` of the system). Text and variety are what both have, so
that a larger w sharpens without the loss of variety that leading away from the null condition brings.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Branch
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor

WEAK = "weak"


class Autoguidance(Section):
    """(1)."""

    kind: Literal["autoguidance"] = "autoguidance"
    w: float = value("w; 1 is the model alone, in half the work")

    @property
    def told(self) -> dict[str, Branch]:
        return {WEAK: Branch(None, {}, weak=True)}

    def branches(self, sigma: float) -> tuple[str, ...]:
        return ("cond",) if self.w == 1 else ("cond", WEAK)

    def mix(self, outputs: "Mapping[str, Tensor]", sigma: float) -> "Tensor":
        if WEAK not in outputs:
            return outputs["cond"]
        return outputs[WEAK] + self.w * (outputs["cond"] - outputs[WEAK])
