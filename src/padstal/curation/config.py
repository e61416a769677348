"""`score` (QA-MDT 4.1) and `curate` (DiscoDiff 4.1): how p-MOS becomes levels, what leaves, how clips are weighed."""

from typing import Literal

from padstal.core.section import Section, value


class ScoreParams(Section):
    """How p-MOS becomes quality levels and prefixes."""

    gap_policy: Literal["none", "medium", "nearest", "outer"] = value(
        "prefix in the bands that the paper leaves open, [μ−2σ, μ−σ) and (μ+σ, μ+2σ]"
    )
    quantiser: Literal["swapped", "literal"] = value("Q(s): the form that works, or the paper's formula to the letter")
    batch_clips: int = value("clips scored at once", "clips", ge=1)


class WeightsParams(Section):
    """How often each training clip is drawn."""

    by: Literal["none", "artist", "source", "tag"] = value(
        "what makes a group of clips whose size the weights even out; none draws every clip once an epoch"
    )
    power: float = value(
        "a clip of a group of n has weight n^-power: 0 all clips alike, 1 all groups alike", ge=0, le=1
    )


class CurateParams(Section):
    """What leaves the data set."""

    duplicate_similarity: float = value(
        "tracks whose fingerprints agree at least this much are duplicates", "share", gt=0.5, le=1
    )
    max_shift_seconds: float = value("largest difference between the starts of two duplicates", "s", ge=0, le=60)
    keep_likelihood: float = value("share of training tracks kept, the most likely first; 1 keeps all", gt=0, le=1)
    min_likelihood_tracks: int = value(
        "fewest training tracks that a Gaussian may be fitted to; of fewer none is left out as unlikely", "tracks", ge=2
    )
    min_quality_level: int = value(
        "training clips below this quality level are left out; 1 keeps all", "1 to 5", ge=1, le=5
    )
    weights: WeightsParams = value("how often each training clip is drawn")
