"""`validate` and `gate`: what the data must look like before anything is trained on it, and what stops the run."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from padstal.core.section import Section, value


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"{list(limits)}: expected the lower end first")
    return limits


Level = Annotated[float, Field(ge=-1000, le=1000)]
Range = Annotated[tuple[Level, Level], AfterValidator(_ordered)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareRange = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class IngestLimits(Section):
    """Thresholds of the suite over manifest and audio statistics."""

    min_clips: int = value("fewest clips", "clips", ge=1)
    max_quarantine_share: float = value("largest share of tracks in quarantine", ge=0, le=1)
    max_uncaptioned_share: float = value("largest share of clips with no original caption and no tags", ge=0, le=1)
    max_clipped_share: float = value("largest share of clips with more than 1 % of samples at full scale", ge=0, le=1)
    max_silent_share: float = value("largest share of clips below the silence level", ge=0, le=1)
    silence_dbfs: float = value("RMS level below which a clip counts as silent", "dBFS", ge=-120, le=0)
    loudness_range_lufs: Range = value("range in which a clip's loudness should lie", "LUFS")
    max_offset: float = value("mean of a clip's samples above which it counts as offset", "full scale", ge=0, le=1)
    max_offset_share: float = value("largest share of clips with an offset", ge=0, le=1)
    max_side_db: float = value(
        "energy of the channels' difference over their sum's above which they count as mirrored", "dB", ge=-120, le=120
    )
    max_mirrored_share: float = value("largest share of clips with mirrored channels", ge=0, le=1)


class SplitShares(Section):
    """Range of each split's share of the curated clips."""

    train: ShareRange = value("of the train split", "share")
    validation: ShareRange = value("of the validation split", "share")
    test: ShareRange = value("of the test split", "share")


class CurateLimits(Section):
    """Thresholds of the suites over captions, quality and splits of the curated data set."""

    min_clips: int = value("fewest clips", "clips", ge=1)
    max_removed_share: float = value("largest share of clips that curation takes out", ge=0, le=1)
    max_caption_bytes: int = value("longest caption that refinement may write", "bytes", ge=16)
    max_unconditional_share: float = value("largest share of clips without a caption", ge=0, le=1)
    fused_share: ShareRange = value("range of the share of clips whose caption was fused (QA-MDT: 0.151)", "share")
    replaced_share: ShareRange = value("range of the share of clips whose original caption was replaced", "share")
    pmos_range: Range = value("range of p-MOS", "p-MOS")
    max_unscored_share: float = value("largest share of clips without a p-MOS", ge=0, le=1)
    split_shares: SplitShares
    common_tag_tracks: int = value("a tag of at least so many tracks is common", "tracks", ge=1)
    min_tag_kept: float = value("least share of a common tag's tracks that curation must keep", ge=0, le=1)


class DriftLimits(Section):
    """When a feature's distribution counts as another than the reference's (`padstal profile`)."""

    severity: Literal["warning", "critical"] = value("severity of a feature that has drifted")
    categorical: float = value("largest Jensen–Shannon divergence of a categorical feature", "bit", ge=0, le=1)
    numeric: float = value("largest Wasserstein-1 distance of a number", "standard deviations of the reference", ge=0)
    embedding: float = value("largest Fréchet distance of CLAP embeddings", "total variance of the reference", ge=0)
    false_alarm: float = value(
        "chance that a feature of unchanged data is called drifted; raises the limits of small data sets", gt=0, le=0.5
    )


class ValidateParams(Section):
    """One section for each data set that is checked, and one for drift."""

    ingest: IngestLimits
    curate: CurateLimits
    drift: DriftLimits


class GateParams(Section):
    """The gate between data and training."""

    stop_at: Literal["critical", "warning"] = value("least severity of a broken expectation that stops the run")
