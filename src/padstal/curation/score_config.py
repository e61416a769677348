"""`score`: p-MOS and quality levels (QA-MDT 4.1)."""

from typing import Literal

from padstal.core.section import Section, value


class ScoreParams(Section):
    """How p-MOS becomes quality levels and prefixes."""

    gap_policy: Literal["none", "medium", "nearest"] = value(
        "prefix in the bands that the paper leaves open, [μ−2σ, μ−σ) and (μ+σ, μ+2σ]"
    )
    quantiser: Literal["swapped", "literal"] = value("Q(s): the form that works, or the paper's formula to the letter")
    batch_clips: int = value("clips scored at once", "clips", ge=1)
