"""Who leaves a data set and why: each clip once, with one reason, and the counts add up."""

import pandas as pd

REASONS = ("near_duplicate", "unlikely", "quality")


class Removals:
    """Clips that leave `clips`, collected rule by rule; the first rule that takes a clip gives its reason."""

    def __init__(self, clips: pd.DataFrame):
        self._clips = clips
        self._reason = pd.Series("", index=clips.index)
        self._detail = pd.Series("", index=clips.index)

    @property
    def staying(self) -> pd.Series:
        """True at clips that no rule has taken so far."""
        return self._reason == ""

    def add(self, leaving: pd.Series, reason: str, detail: str) -> None:
        """Take out the clips where `leaving` is true, unless an earlier rule has.

        Raises:
            ValueError: `reason` is not one of `REASONS`.
        """
        if reason not in REASONS:
            raise ValueError(f"reason {reason!r}: expected one of {', '.join(REASONS)}")
        rows = leaving & self.staying
        self._reason[rows] = reason
        self._detail[rows] = detail

    def split(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The clips that stay, and those that leave (with reason and detail), both in the clips' order."""
        leaving = ~self.staying
        removed = self._clips[leaving].assign(reason=self._reason[leaving], detail=self._detail[leaving])
        return self._clips[~leaving].reset_index(drop=True), removed.reset_index(drop=True)


def check_counts(clips: pd.DataFrame, dataset: pd.DataFrame, removed: pd.DataFrame) -> None:
    """Assert that every clip either stays or leaves, and none does both."""
    stay, leave = set(dataset["clip_id"]), set(removed["clip_id"])
    assert not stay & leave, f"{len(stay & leave)} clips both stay and leave"
    assert len(clips) == len(dataset) + len(removed), f"{len(clips)} clips, {len(dataset)} stay, {len(removed)} leave"
    assert stay | leave == set(clips["clip_id"]), "a clip neither stays nor leaves"
