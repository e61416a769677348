"""`validate`: what the data must look like before anything is trained on it."""

from padstal.params.section import Section, value


class ValidateParams(Section):
    """Thresholds of the Great Expectations suite over manifest and audio statistics."""

    min_clips: int = value("fewest clips", "clips", ge=1)
    max_quarantine_share: float = value("largest share of tracks in quarantine", ge=0, le=1)
    max_uncaptioned_share: float = value("largest share of clips with no original caption and no tags", ge=0, le=1)
    max_clipped_share: float = value("largest share of clips with more than 1 % of samples at full scale", ge=0, le=1)
    max_silent_share: float = value("largest share of clips below the silence level", ge=0, le=1)
    silence_dbfs: float = value("RMS level below which a clip counts as silent", "dBFS", ge=-120, le=0)
    loudness_range_lufs: tuple[float, float] = value("range in which a clip's loudness should lie", "LUFS")
