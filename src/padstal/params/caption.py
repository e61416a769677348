"""`caption`: caption refinement (QA-MDT 4.3)."""

from typing import Literal

from padstal.params.section import Section, value


class CaptionParams(Section):
    """Thresholds of the decision table, all compared strictly."""

    rho1: float = value("a caption fits its audio above this CLAP cosine", "cosine", ge=-1, le=1)
    rho2: float = value("a generated caption fits its audio above this CLAP cosine", "cosine", ge=-1, le=1)
    rho3: float = value("original and generated caption say different things below this CLAP cosine", "cosine", ge=-1, le=1)
    neither_fits: Literal["keep", "unconditional"] = value(
        "when neither caption fits: keep the original (the paper), or train on the clip without text"
    )
    batch_clips: int = value("clips embedded at once", "clips", ge=1)
