"""Guidance away from low quality (QA-MDT eq. 8 and 12), in the paper's form and in that of its released code.

    D = D(q, c) + w (D(q, c) − D(q_low, ∅))                                                                        (8)
    D = D(q, c) + w (D(q, c) − D(q, c_neg)),   c_neg = "low quality"                                              (12)

The released code mixes D_u + w (D_c − D_u), the field's form, in which its w is the paper's plus 1, and holds the level
of the other branch at 3.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Branch
from padstal.core.section import Section, value

if TYPE_CHECKING:
    from torch import Tensor

NEGATIVE = "negative"


class _Away(Section):
    """D_c + w (D_c − D_n) of a branch n."""

    w: float = value("w of the paper; 0 is the conditional model alone, in half the work", ge=0)

    def branches(self, sigma: float) -> tuple[str, ...]:
        return ("cond", NEGATIVE) if self.w else ("cond",)

    def mix(self, outputs: "Mapping[str, Tensor]", sigma: float) -> "Tensor":
        if NEGATIVE not in outputs:
            return outputs["cond"]
        return outputs["cond"] + self.w * (outputs["cond"] - outputs[NEGATIVE])


class Quality(_Away):
    """(8)."""

    kind: Literal["quality"] = "quality"
    low: float = value("q_low, quality level of the branch without text", "1 to 5", default=1.0, ge=1, le=5)

    @property
    def told(self) -> dict[str, Branch]:
        return {NEGATIVE: Branch(None, {"quality": self.low})}


class QualityReleased(Section):
    """As the released code has it: D_u + w (D_c − D_u) with a fixed level in the branch without text."""

    kind: Literal["quality_released"] = "quality_released"
    w: float = value("w of the code, the paper's plus 1")
    low: float = value("quality level of the branch without text", "1 to 5", default=3.0, ge=1, le=5)

    @property
    def told(self) -> dict[str, Branch]:
        return {NEGATIVE: Branch(None, {"quality": self.low})}

    def branches(self, sigma: float) -> tuple[str, ...]:
        return ("cond",) if self.w == 1 else ("cond", NEGATIVE)

    def mix(self, outputs: "Mapping[str, Tensor]", sigma: float) -> "Tensor":
        if NEGATIVE not in outputs:
            return outputs["cond"]
        return outputs[NEGATIVE] + self.w * (outputs["cond"] - outputs[NEGATIVE])


class NegativePrompt(_Away):
    """(12)."""

    kind: Literal["negative_prompt"] = "negative_prompt"
    prompt: str = value("what is not wanted", default="low quality", min_length=1)

    @property
    def told(self) -> dict[str, Branch]:
        return {NEGATIVE: Branch(self.prompt, {})}
