"""Groups of near-duplicate tracks, and which track of each group stays.

Rule: the held-out copy stays, so that bringing training music never changes what models are tested on (test before
validation before train); in one split the copy of the best quality, and of equals the first in sorted order. So a group
never spans splits, and no copy of a held-out recording is trained on, whoever it is credited to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from padstal.core.data.manifest import SPLITS, ClipAudio
from padstal.core.progress import Progress
from padstal.curation.config import CurateParams
from padstal.curation.fingerprint import track_fingerprint
from padstal.curation.matching import Match, matches

KEPT_FIRST = tuple(reversed(SPLITS))
"""Splits, the one whose copy stays first."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Tracks that are one recording.

    Attributes:
        name: The group's first track id in sorted order.
        kept: The track that stays.
        removed: Track id → its similarity to the nearest of the group, for the tracks that leave.
    """

    name: str
    kept: str
    removed: dict[str, float]

    @property
    def members(self) -> tuple[str, ...]:
        return (self.kept, *self.removed)


def duplicates(
    clips: pd.DataFrame, audio: ClipAudio, params: CurateParams, progress: Progress
) -> tuple[DuplicateGroup, ...]:
    """Groups of tracks whose fingerprints match, sorted by name; `clips` are rows of the manifest with `pmos`."""
    (*_, rate), of_track = audio.form(clips), clips.groupby("track_id")
    found = matches(
        [track_fingerprint(audio, rows, rate) for _, rows in progress(of_track, unit="track")],
        least=params.duplicate_similarity,
        max_shift_seconds=params.max_shift_seconds,
        progress=progress,
    )
    return groups(list(of_track.groups), found, of_track["pmos"].mean().to_dict(), of_track["split"].first().to_dict())


def across(clips: pd.DataFrame, column: str) -> int:
    """Groups (`duplicate_group`) with more than one known value of `column`."""
    known = clips[(clips["duplicate_group"] != "") & (clips[column] != "")]
    return int((known.groupby("duplicate_group")[column].nunique() > 1).sum())


def groups(
    tracks: Sequence[str], found: Sequence[Match], quality: Mapping[str, float], split: Mapping[str, str]
) -> tuple[DuplicateGroup, ...]:
    """Connected components of `found`, sorted by name; tracks that match nothing are in none.

    Args:
        tracks: Track ids, in the order that `found` counts them.
        found: Matching pairs.
        quality: Track id → p-MOS (NaN: unknown).
        split: Track id → one of `KEPT_FIRST`.
    """
    nearest: dict[str, float] = {}
    for match in found:
        for i in (match.first, match.second):
            nearest[tracks[i]] = max(nearest.get(tracks[i], 0.0), match.similarity)
    pairs = np.array([(match.first, match.second) for match in found], dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(len(tracks), len(tracks)))
    members: dict[int, list[str]] = {}
    for track, component in zip(tracks, connected_components(graph, directed=False)[1], strict=True):
        if track in nearest:
            members.setdefault(component, []).append(track)
    made = (_group(sorted(of_group), nearest, quality, split) for of_group in members.values())
    return tuple(sorted(made, key=lambda group: group.name))


def _group(
    members: list[str], nearest: Mapping[str, float], quality: Mapping[str, float], split: Mapping[str, str]
) -> DuplicateGroup:
    def worth(track: str) -> tuple[int, float]:
        score = quality[track]
        return -KEPT_FIRST.index(split[track]), score if score == score else float("-inf")  # NaN is worth least

    kept = max(members, key=worth)  # the first of equals
    return DuplicateGroup(members[0], kept, {track: nearest[track] for track in members if track != kept})
