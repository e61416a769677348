"""What a cut does to the mix of genres: each tag's share of tracks lost, and the entropy of tags before and after.

A cut by likelihood keeps what is typical, so it takes rare music first; this says how much of it.

    H = −Σ p log₂ p over the shares p of all mentions of tags                         (1)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.curation.tags import tags_of

UNTAGGED = "untagged"
TAGS_REPORTED = 24
"""The commonest tags, whose loss is written down."""
TAG_CHARACTERS = 60


@dataclass(frozen=True)
class Loss:
    """What a cut took.

    Attributes:
        before: Tag → tracks that carry it, the commonest first.
        after: The same of the tracks that stayed.
        tracks_before, tracks_after: All tracks.
    """

    before: dict[str, int]
    after: dict[str, int]
    tracks_before: int
    tracks_after: int

    @property
    def tracks_lost(self) -> dict[str, float]:
        """Tag → share of its tracks that left, the largest first, of equals the commonest."""
        lost = {tag: 1 - self.after[tag] / count for tag, count in self.before.items()}
        return dict(sorted(lost.items(), key=lambda pair: -pair[1]))

    def as_json(self) -> dict[str, Any]:
        """Counts, entropies, and the share lost of each of the commonest tags."""
        shares = self.tracks_lost
        return {
            "tracks_before": self.tracks_before,
            "tracks_after": self.tracks_after,
            "entropy_before": entropy(self.before),
            "entropy_after": entropy(self.after),
            "tags": len(self.before),
            "of_tag": {
                tag[:TAG_CHARACTERS]: {"tracks": self.before[tag], "lost": shares[tag]}
                for tag in list(self.before)[:TAGS_REPORTED]
            },
        }


def entropy(counts: dict[str, int]) -> float:
    """(1) in bits; 0 where there is nothing."""
    values = np.array([count for count in counts.values() if count], dtype=np.float64)
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def loss(tracks: pd.DataFrame, staying: pd.Series) -> Loss:
    """What leaves with the tracks where `staying` is false.

    Args:
        tracks: One row a track, with `tags`.
        staying: Bool, same index.
    """
    tags = tags_of(tracks["tags"]).replace("", UNTAGGED)
    before = tags.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    after = tags[staying.reindex(tags.index).to_numpy()].value_counts()
    return Loss(
        {str(tag): int(count) for tag, count in before.items()},
        {str(tag): int(after.get(tag, 0)) for tag in before.index},
        len(tracks),
        int(staying.sum()),
    )
