"""The suite over what `ingest` made: manifest, audio statistics, and what went into quarantine.

The tables: "clips" (the manifest with a few columns derived from it) and "tracks" (one row a file seen, accepted or
not).
"""

import pandas as pd

from padstal.core.data.manifest import SPLITS
from padstal.curation.expectations.config import IngestLimits
from padstal.curation.expectations.expectation import DataSet, Expectation
from padstal.curation.expectations.suite import read_suite
from padstal.rights.policy import Policy

ALLOWED = "allowed"
UNMEASURED = -999.0
"""Stands for a level that digital silence does not have."""


def suite(limits: IngestLimits) -> tuple[Expectation, ...]:
    """The suite over `tables`, with the limits of params."""
    return read_suite("ingested.yaml", {**dict(limits), "SPLITS": list(SPLITS)})


def data_set(manifest: pd.DataFrame, quarantine: pd.DataFrame, limits: IngestLimits, policy: Policy) -> DataSet:
    """What `ingest` wrote, as it is put to the test; the policy on licences is asked again, as a second defence."""
    found = tables(manifest, quarantine)
    found["clips"] = with_verdicts(found["clips"], policy)
    counts = {
        "clips": len(manifest),
        "tracks": len(found["tracks"]),
        "quarantined": len(quarantine),
        "quarantined_because": quarantine["reason"].value_counts().to_dict(),
        "clips_of_licence": manifest["licence"].value_counts().to_dict(),
        "clips_of_split": manifest["split"].value_counts().to_dict(),
    }
    return DataSet(suite(limits), found, manifest, counts)


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
    """In how many splits each row's value of `columns` lies, whatever its case.

    1 where the last of them is empty and names nothing.
    """
    names = [table[column].str.casefold() for column in columns]
    return table.groupby(names)["split"].transform("nunique").where(table[columns[-1]] != "", 1)


def with_verdicts(clips: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """`clips` with the policy's word on each licence: "allowed", or why not."""
    verdicts = {licence: policy.refusal(str(licence)) or ALLOWED for licence in clips["licence"].unique()}
    return clips.assign(licence_verdict=clips["licence"].map(verdicts))
