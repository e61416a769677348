"""`curate`: duplicates and the likelihood cut (DiscoDiff 4.1)."""

from padstal.params.section import Section, value


class CurateParams(Section):
    """What leaves the data set."""

    duplicate_similarity: float = value(
        "tracks whose fingerprints agree at least this much are duplicates", "share", gt=0.5, le=1
    )
    max_shift_seconds: float = value("largest difference between the starts of two duplicates", "s", ge=0, le=60)
    keep_likelihood: float = value("share of training tracks kept, the most likely first; 1 keeps all", gt=0, le=1)
    min_likelihood_tracks: int = value("fewest training tracks that a Gaussian may be fitted to", "tracks", ge=2)
    min_quality_level: int = value(
        "training clips below this quality level are left out; 1 keeps all", "1 to 5", ge=1, le=5
    )
