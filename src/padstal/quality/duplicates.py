"""Groups of near-duplicate tracks, and which track of each group stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from padstal.quality.matching import Match


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


def groups(tracks: Sequence[str], found: Sequence[Match], quality: Mapping[str, float]) -> tuple[DuplicateGroup, ...]:
    """Connected components of `found` (union-find), sorted by name; tracks that match nothing are in none.

    Args:
        tracks: Track ids, in the order that `found` counts them.
        found: Matching pairs.
        quality: Track id → p-MOS (NaN: unknown); the best of a group stays, of equals the first in sorted order.
    """
    parent = list(range(len(tracks)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    nearest: dict[str, float] = {}
    for match in found:
        a, b = root(match.first), root(match.second)
        parent[max(a, b)] = min(a, b)
        for i in (match.first, match.second):
            nearest[tracks[i]] = max(nearest.get(tracks[i], 0.0), match.similarity)
    members: dict[int, list[str]] = {}
    for i, track in enumerate(tracks):
        if track in nearest:
            members.setdefault(root(i), []).append(track)
    return tuple(
        sorted((_group(sorted(of_group), nearest, quality) for of_group in members.values()), key=lambda g: g.name)
    )


def _group(members: list[str], nearest: Mapping[str, float], quality: Mapping[str, float]) -> DuplicateGroup:
    def worth(track: str) -> float:
        score = quality[track]
        return score if score == score else float("-inf")  # NaN is worth least

    kept = max(members, key=worth)  # the first of equals
    return DuplicateGroup(members[0], kept, {track: nearest[track] for track in members if track != kept})
