"""What differs between two revisions, as one record that can be written as JSON and read back from a stranger.

The record holds figures and names, never markup: whoever shows it escapes it. It is read strictly, so that the one who
posts it can treat the file as hostile (`record_file`).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

Verdict = Literal["better", "worse", "different", "no clear difference", "unchanged", "not comparable", "open"]
VERDICTS: dict[Verdict, str] = {
    "better": "the intervals are apart, on the good side",
    "worse": "the intervals are apart, on the bad side",
    "different": "the intervals are apart; neither side is known to be good",
    "no clear difference": "the intervals overlap",
    "unchanged": "the same figure",
    "not comparable": "measured by another model",
    "open": "no interval, or one side has no figure",
}


@dataclass(frozen=True)
class AtMost:
    """The most characters of a text or items of a list that a record may have."""

    count: int


Name = Annotated[str, AtMost(300)]
Text = Annotated[str, AtMost(1_000)]
Interval = Annotated[tuple[float, ...], AtMost(2)]


@dataclass(frozen=True)
class Revision:
    """One side: the name it was asked by, its commit, and whether files differ from that commit."""

    name: Name
    commit: Name
    subject: Name = ""
    changed: bool = False


@dataclass(frozen=True)
class Change:
    """One value before and after, as text; `None` where a side has no such key."""

    key: Name
    base: Text | None
    head: Text | None


@dataclass(frozen=True)
class Count:
    """One whole number or other plain figure before and after; `None` where a side does not have it."""

    name: Name
    base: float | None
    head: float | None


@dataclass(frozen=True)
class Delta:
    """One measured figure before and after.

    Attributes:
        group: What was measured ("tal_dit · pads"); metrics of one group stand together.
        better: "higher", "lower", or "" where neither is known to be good.
        base_interval: (low, high); empty where there is none.
        note: What to know of the comparison ("strength 0.6 → 0.3").
    """

    group: Name
    metric: Name
    better: Literal["higher", "lower", ""]
    base: float | None
    head: float | None
    base_interval: Interval
    head_interval: Interval
    verdict: Verdict
    note: Text = ""


@dataclass(frozen=True)
class Licence:
    """Tracks under one licence before and after; `why` says what the change means, "" where nothing."""

    name: Name
    base: float | None
    head: float | None
    why: Text = ""


@dataclass(frozen=True)
class StageChange:
    """A stage whose record in `dvc.lock` differs: why it ran again, and which outputs have other bytes now."""

    stage: Name
    kind: Literal["changed", "new", "gone"]
    because: Annotated[tuple[Name, ...], AtMost(100)]
    outputs: Annotated[tuple[Name, ...], AtMost(100)]


@dataclass(frozen=True)
class Output:
    """The MD5 by which DVC knows a model or data set, before and after; "" where a side has none."""

    path: Name
    base: Name
    head: Name


@dataclass(frozen=True)
class Timing:
    """Wall time of a stage's last run, in s, where a side recorded it; `budget` is what params allow."""

    stage: Name
    base: float | None
    head: float | None
    budget: float | None


@dataclass(frozen=True)
class Comparison:
    """Everything that `padstal compare` found, most important first.

    Attributes:
        notes: What is missing or limits the comparison, one sentence each.
        inactive: How many params differ at the scales that were not compared and in the shared sections.
        figures: Metrics of all stages but evaluation; they have no intervals.
        stale: Stages of HEAD whose params in `dvc.lock` are not those of `params.yaml`: they have to run again.
    """

    scale: Name
    base: Revision
    head: Revision
    notes: Annotated[tuple[Text, ...], AtMost(50)]
    licences: Annotated[tuple[Licence, ...], AtMost(1_000)]
    metrics: Annotated[tuple[Delta, ...], AtMost(1_000)]
    matched: Annotated[tuple[Delta, ...], AtMost(1_000)]
    checks: Annotated[tuple[Delta, ...], AtMost(1_000)]
    params: Annotated[tuple[Change, ...], AtMost(2_000)]
    inactive: Annotated[tuple[Count, ...], AtMost(50)]
    data: Annotated[tuple[Count, ...], AtMost(200)]
    quarantine: Annotated[tuple[Count, ...], AtMost(500)]
    captions: Annotated[tuple[Count, ...], AtMost(200)]
    stages: Annotated[tuple[StageChange, ...], AtMost(200)]
    stale: Annotated[tuple[Name, ...], AtMost(200)]
    outputs: Annotated[tuple[Output, ...], AtMost(500)]
    figures: Annotated[tuple[Delta, ...], AtMost(2_000)]
    timings: Annotated[tuple[Timing, ...], AtMost(200)]
