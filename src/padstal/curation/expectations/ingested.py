"""The suite over what `ingest` made: manifest, audio statistics, and what went into quarantine.

The tables: "clips" (the manifest with a few columns derived from it) and "tracks" (one row a file seen, accepted or
not).
"""

from functools import partial

import pandas as pd

from padstal.curation.expectations.expectation import (
    BETWEEN,
    CONTAINS,
    MATCHES,
    PRESENT,
    ROWS,
    SOME_TEXT,
    SPLITS,
    UNIQUE,
    WITHIN,
    Expectation,
)

HEXADECIMAL_SHA256 = "^[0-9a-f]{64}$"
CLIPPED_SHARE = 0.01
"""A clip counts as clipped when more of its samples than this lie at full scale."""
LOUDNESS_SHARE = 0.9
"""Share of clips whose loudness should lie in the range asked for; quiet passages of a track are music too."""
UNMEASURED = -999.0
"""Stands for a level that digital silence does not have."""


def suite(
    *,
    min_clips: int,
    max_quarantine_share: float,
    max_uncaptioned_share: float,
    max_clipped_share: float,
    max_silent_share: float,
    silence_dbfs: float,
    loudness_range_lufs: tuple[float, float],
    max_offset: float,
    max_offset_share: float,
    max_side_db: float,
    max_mirrored_share: float,
) -> tuple[Expectation, ...]:
    """The suite over `tables`, thresholds as in `curation/expectations/config.py`."""
    quietest, loudest = loudness_range_lufs
    clips = partial(Expectation, table="clips")
    return (
        clips(
            "there are enough clips",
            kind=ROWS,
            column="",
            severity="critical",
            limits={"min_value": min_clips},
            advice="add music to ingest.sources, or lower validate.ingest.min_clips",
        ),
        clips("every clip has an id", kind=PRESENT, column="clip_id", severity="critical"),
        clips("clip ids are unique", kind=UNIQUE, column="clip_id", severity="critical"),
        clips(
            "every file has its sha256",
            kind=MATCHES,
            column="sha256",
            severity="critical",
            limits={"regex": HEXADECIMAL_SHA256},
        ),
        clips(
            "every clip has a licence",
            kind=MATCHES,
            column="licence",
            severity="critical",
            limits={"regex": SOME_TEXT},
        ),
        clips(
            "splits have known names",
            kind=WITHIN,
            column="split",
            severity="critical",
            limits={"value_set": list(SPLITS)},
        ),
        clips(
            "no split is empty",
            kind=CONTAINS,
            column="split",
            severity="critical",
            limits={"value_set": list(SPLITS)},
            advice="with few artists the draw may leave a split out: take another ingest.split_seed",
        ),
        *(
            clips(
                f"{article} {name} lies in one split",
                kind=BETWEEN,
                column=f"splits_of_{name}",
                severity="critical",
                limits={"min_value": 1, "max_value": 1},
            )
            for article, name in (("a", "track"), ("an", "artist"))
        ),
        clips(
            "clips start inside their track",
            kind=BETWEEN,
            column="offset_seconds",
            severity="critical",
            limits={"min_value": 0},
        ),
        clips(
            "clips end inside their track",
            kind=BETWEEN,
            column="seconds_left",
            severity="critical",
            limits={"min_value": -1e-3},
        ),
        clips(
            "no sample exceeds full scale",
            kind=BETWEEN,
            column="peak_dbfs",
            severity="critical",
            limits={"max_value": 1e-6},
        ),
        clips(
            "few clips are silent",
            kind=BETWEEN,
            column="rms_dbfs",
            severity="critical",
            limits={"min_value": silence_dbfs},
            mostly=1 - max_silent_share,
        ),
        clips(
            "few clips are clipped",
            kind=BETWEEN,
            column="clipped_share",
            severity="critical",
            limits={"max_value": CLIPPED_SHARE},
            mostly=1 - max_clipped_share,
        ),
        clips(
            "few clips have mirrored channels",
            kind=BETWEEN,
            column="side_db",
            severity="critical",
            limits={"max_value": max_side_db},
            mostly=1 - max_mirrored_share,
            advice="their sum is near silence; ingest.screening.max_side_db refuses such files",
        ),
        clips(
            "few clips have an offset",
            kind=BETWEEN,
            column="dc_offset",
            severity="warning",
            limits={"max_value": max_offset},
            mostly=1 - max_offset_share,
            advice="a faulty converter or export; ingest.screening.max_offset refuses such files",
        ),
        clips(
            "most clips have a caption or tags",
            kind=MATCHES,
            column="description",
            severity="critical",
            limits={"regex": SOME_TEXT},
            mostly=1 - max_uncaptioned_share,
            advice="fill in the captions table, or raise validate.ingest.max_uncaptioned_share",
        ),
        clips(
            "loudness lies in its range",
            kind=BETWEEN,
            column="loudness_lufs",
            severity="warning",
            limits={"min_value": quietest, "max_value": loudest},
            mostly=LOUDNESS_SHARE,
        ),
        clips(
            "every clip has a bandwidth",
            kind=BETWEEN,
            column="bandwidth_hz",
            severity="warning",
            limits={"min_value": 1},
        ),
        Expectation(
            "few tracks are in quarantine",
            "tracks",
            WITHIN,
            "state",
            "critical",
            {"value_set": ["accepted"]},
            mostly=1 - max_quarantine_share,
            advice="data/<scale>/ingest/quarantine.parquet says why each is there",
        ),
    )


def tables(manifest: pd.DataFrame, quarantine: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables that `suite` looks at."""
    return {"clips": clips_table(manifest), "tracks": tracks_table(manifest, quarantine)}


def clips_table(manifest: pd.DataFrame) -> pd.DataFrame:
    """The manifest with what the suite derives from it; `id` names a row.

    Added: `splits_of_track`, `splits_of_artist` (1 where the artist is unknown), `seconds_left` (of the track after the
    clip) and `description` (caption or tags). Levels that could not be measured (NaN: digital silence) count as the
    lowest.
    """
    table = manifest.copy()
    table["id"] = table["clip_id"]
    table["splits_of_track"] = splits_of(table, "track_id")
    table["splits_of_artist"] = splits_of(table, "artist")
    table["seconds_left"] = table["track_seconds"] - table["offset_seconds"] - table["clip_seconds"]
    table["description"] = table["caption"].where(table["caption"] != "", table["tags"])
    for column in ("loudness_lufs", "rms_dbfs"):
        table[column] = table[column].fillna(UNMEASURED).clip(lower=UNMEASURED)
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


def splits_of(table: pd.DataFrame, *columns: str) -> pd.Series:
    """In how many splits each row's value of `columns` lies; 1 where the last of them is empty and names nothing."""
    return table.groupby(list(columns))["split"].transform("nunique").where(table[columns[-1]] != "", 1)
