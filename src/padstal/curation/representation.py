"""What a cut does to the mix of genres: each tag's share of tracks lost, and the entropy of tags before and after.

A cut by likelihood keeps what is typical, so it takes rare music first; this says how much of it.

    H = −Σ p log₂ p over the shares p of all mentions of tags                         (1)
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import entr

from padstal.curation.tags import tags_of

UNTAGGED = "untagged"
TAGS_REPORTED = 24
"""The commonest tags, whose loss is written down."""
TAG_CHARACTERS = 60


def loss(tracks: pd.DataFrame, staying: pd.Series) -> dict[str, Any]:
    """What leaves with the tracks where `staying` is false: counts, entropies, the share lost of the commonest tags.

    Args:
        tracks: One row a track, with `tags`.
        staying: Bool, same index.
    """
    tags = tags_of(tracks["tags"]).replace("", UNTAGGED)
    before = tags.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    after = tags[staying.reindex(tags.index).to_numpy()].value_counts().reindex(before.index, fill_value=0)
    return {
        "tracks_before": len(tracks),
        "tracks_after": int(staying.sum()),
        "entropy_before": entropy(before),
        "entropy_after": entropy(after),
        "tags": len(before),
        "of_tag": {
            str(tag)[:TAG_CHARACTERS]: {"tracks": int(count), "lost": 1 - int(after[tag]) / int(count)}
            for tag, count in before.head(TAGS_REPORTED).items()
        },
    }


def entropy(counts: pd.Series) -> float:
    """(1) in bits; 0 where there is nothing."""
    return float(entr(counts / counts.sum()).sum() / np.log(2)) + 0.0 if counts.any() else 0.0
