"""What the data must look like before anything is trained on it: a suite over two tables, and the verdict on it.

The tables: "clips" (the manifest with a few columns derived from it) and "tracks" (one row a file seen, accepted or
    not).
`checkpoint.py` puts the suite to Great Expectations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Severity = Literal["warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("warning", "critical")
"""From least to most."""

SPLITS = ("train", "validation", "test")
HEXADECIMAL_SHA256 = "^[0-9a-f]{64}$"
SOME_TEXT = r"\S"
CLIPPED_SHARE = 0.01
"""A clip counts as clipped when more of its samples than this lie at full scale."""
LOUDNESS_SHARE = 0.9
"""Share of clips whose loudness should lie in the range asked for; quiet passages of a track are music too."""
SAMPLE_IDS = 3
"""Offending ids that a verdict names."""
ADVICE = {
    "there are enough clips": "add music to ingest.sources, or lower validate.min_clips",
    "no split is empty": "with few artists the draw may leave a split out: take another ingest.split_seed",
    "most clips have a caption or tags": "fill in the captions table, or raise validate.max_uncaptioned_share",
    "every licence is allowed by the policy": "the manifest is not what ingest writes under ingest.licences: rerun it",
    "few tracks are in quarantine": "data/<scale>/ingest/quarantine.parquet says why each is there",
}
"""What to do about a broken expectation, where its name does not say it."""


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected of a table.

    Attributes:
        name: What is expected, in words; unique in a suite.
        table: "clips" or "tracks".
        kind: Class name of the expectation in Great Expectations.
        column: Column it looks at; "" for the whole table.
        severity: How bad it is if broken.
        limits: Arguments of the class besides column and severity.
        mostly: Share of rows that must comply; `None` where the kind has no such share.
    """

    name: str
    table: Literal["clips", "tracks"]
    kind: str
    column: str
    severity: Severity
    limits: Mapping[str, Any] = field(default_factory=dict)
    mostly: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation.

    Attributes:
        expectation: The expectation.
        success: Whether it holds.
        unexpected: Rows that do not comply; 0 for expectations on a whole table.
        offenders: Up to `SAMPLE_IDS` ids of such rows, in the table's order (clip ids, or paths of tracks).
        observed: What was found, in words.
    """

    expectation: Expectation
    success: bool
    unexpected: int
    offenders: tuple[str, ...]
    observed: str

    def as_json(self) -> dict[str, Any]:
        """The outcome as `verdict.json` has it."""
        asked = self.expectation
        expected = ", ".join(f"{key} {value}" for key, value in sorted(asked.limits.items()))
        if asked.mostly is not None:
            expected = f"{expected}{', ' if expected else ''}at least {asked.mostly:.4g} of rows"
        return {
            "name": asked.name,
            "table": asked.table,
            "column": asked.column,
            "kind": asked.kind,
            "severity": asked.severity,
            "success": self.success,
            "unexpected": self.unexpected,
            "offenders": list(self.offenders),
            "observed": self.observed,
            "expected": expected or "every row",
            "advice": ADVICE.get(asked.name, ""),
        }


def suite(
    *,
    min_clips: int,
    max_quarantine_share: float,
    max_uncaptioned_share: float,
    max_clipped_share: float,
    max_silent_share: float,
    silence_dbfs: float,
    loudness_range_lufs: tuple[float, float],
) -> tuple[Expectation, ...]:
    """The suite over `clips_table` and `tracks_table`, thresholds as in `params/validate.py`."""
    quietest, loudest = loudness_range_lufs
    between, matches, within = (
        "ExpectColumnValuesToBeBetween",
        "ExpectColumnValuesToMatchRegex",
        "ExpectColumnValuesToBeInSet",
    )

    def clips(
        name: str, kind: str, column: str, severity: Severity, mostly: float | None = None, **limits: Any
    ) -> Expectation:
        return Expectation(name, "clips", kind, column, severity, limits, mostly)

    return (
        clips("there are enough clips", "ExpectTableRowCountToBeBetween", "", "critical", min_value=min_clips),
        clips("every clip has an id", "ExpectColumnValuesToNotBeNull", "clip_id", "critical"),
        clips("clip ids are unique", "ExpectColumnValuesToBeUnique", "clip_id", "critical"),
        clips("every file has its sha256", matches, "sha256", "critical", regex=HEXADECIMAL_SHA256),
        clips("every clip has a licence", matches, "licence", "critical", regex=SOME_TEXT),
        clips("splits have known names", within, "split", "critical", value_set=list(SPLITS)),
        clips(
            "no split is empty", "ExpectColumnDistinctValuesToContainSet", "split", "critical", value_set=list(SPLITS)
        ),
        clips("a track lies in one split", between, "splits_of_track", "critical", min_value=1, max_value=1),
        clips("an artist lies in one split", between, "splits_of_artist", "critical", min_value=1, max_value=1),
        clips("clips start inside their track", between, "offset_seconds", "critical", min_value=0),
        clips("clips end inside their track", between, "seconds_left", "critical", min_value=-1e-3),
        clips("no sample exceeds full scale", between, "peak_dbfs", "critical", max_value=1e-6),
        clips(
            "few clips are silent", between, "rms_dbfs", "critical", mostly=1 - max_silent_share, min_value=silence_dbfs
        ),
        clips(
            "few clips are clipped",
            between,
            "clipped_share",
            "critical",
            mostly=1 - max_clipped_share,
            max_value=CLIPPED_SHARE,
        ),
        clips(
            "most clips have a caption or tags",
            matches,
            "description",
            "critical",
            mostly=1 - max_uncaptioned_share,
            regex=SOME_TEXT,
        ),
        clips(
            "loudness lies in its range",
            between,
            "loudness_lufs",
            "warning",
            mostly=LOUDNESS_SHARE,
            min_value=quietest,
            max_value=loudest,
        ),
        clips("every clip has a bandwidth", between, "bandwidth_hz", "warning", min_value=1),
        Expectation(
            "few tracks are in quarantine",
            "tracks",
            within,
            "state",
            "critical",
            {"value_set": ["accepted"]},
            1 - max_quarantine_share,
        ),
    )


def clips_table(manifest: pd.DataFrame) -> pd.DataFrame:
    """The manifest with what the suite derives from it; `id` names a row.

    Added: `splits_of_track`, `splits_of_artist` (1 where the artist is unknown), `seconds_left` (of the track after the
        clip) and
    `description` (caption or tags). Levels that could not be measured (NaN: digital silence) count as the lowest.
    """
    table = manifest.copy()
    table["id"] = table["clip_id"]
    table["splits_of_track"] = table.groupby("track_id")["split"].transform("nunique")
    table["splits_of_artist"] = table.groupby("artist")["split"].transform("nunique").where(table["artist"] != "", 1)
    table["seconds_left"] = table["track_seconds"] - table["offset_seconds"] - table["clip_seconds"]
    table["description"] = table["caption"].where(table["caption"] != "", table["tags"])
    for column in ("loudness_lufs", "rms_dbfs"):
        table[column] = table[column].fillna(-999.0).clip(lower=-999.0)
    return table


def tracks_table(manifest: pd.DataFrame, quarantine: pd.DataFrame) -> pd.DataFrame:
    """One row a file of the sources: `id` (its path) and `state`, "accepted" or the reason for its quarantine."""
    accepted = manifest.drop_duplicates("track_id")
    return pd.DataFrame(
        {
            "id": [*accepted["path"], *quarantine["path"]],
            "state": [*("accepted" for _ in range(len(accepted))), *quarantine["reason"]],
        }
    )


def verdict(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    """The outcomes as `verdict.json` has them."""
    broken = [outcome.expectation.severity for outcome in outcomes if not outcome.success]
    return {
        "success": not broken,
        "worst": max(broken, key=SEVERITIES.index) if broken else None,
        "expectations": [outcome.as_json() for outcome in outcomes],
    }
