"""`caption`: caption refinement (QA-MDT 4.3)."""

from typing import Literal

from padstal.params.section import Section, value


class CaptionParams(Section):
    """Thresholds of the decision table, all compared strictly."""

    rho1: float = value(
        "a generated or fused caption fits its audio above this CLAP cosine (Eq. 9)", "cosine", ge=-1, le=1
    )
    rho2: float = value("an original caption fits its audio above this CLAP cosine (Eq. 10)", "cosine", ge=-1, le=1)
    rho3: float = value(
        "original and generated caption say different things below this CLAP cosine (Eq. 11)", "cosine", ge=-1, le=1
    )
    neither_fits: Literal["keep", "unconditional"] = value(
        "when neither caption fits: keep the original (the paper), or train on the clip without text"
    )
    max_caption_bytes: int = value("longest fused caption", "bytes", ge=16)
    batch_clips: int = value("clips embedded at once", "clips", ge=1)
