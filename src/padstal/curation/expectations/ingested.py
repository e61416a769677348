"""The suite over what `ingest` made: manifest, audio statistics, and what went into quarantine.

The tables: "clips" (the manifest with a few columns derived from it) and "tracks" (one row a file seen, accepted or
not).
"""

import pandas as pd

from padstal.core.data.manifest import SPLITS
from padstal.curation.expectations import licences
from padstal.curation.expectations.config import IngestLimits
from padstal.curation.expectations.expectation import (
    BETWEEN,
    CONTAINS,
    MATCHES,
    PRESENT,
    ROWS,
    SOME_TEXT,
    UNIQUE,
    WITHIN,
    DataSet,
    Expectation,
    of_table,
)
from padstal.rights.policy import Policy

HEXADECIMAL_SHA256 = "^[0-9a-f]{64}$"
CLIPPED_SHARE = 0.01
"""A clip counts as clipped when more of its samples than this lie at full scale."""
LOUDNESS_SHARE = 0.9
"""Share of clips whose loudness should lie in the range asked for; quiet passages of a track are music too."""
UNMEASURED = -999.0
"""Stands for a level that digital silence does not have."""


def suite(limits: IngestLimits) -> tuple[Expectation, ...]:
    """The suite over `tables`, with the limits of params."""
    clips = of_table("clips")
    quietest, loudest = limits.loudness_range_lufs
    return (
        clips(
            "there are enough clips",
            ROWS,
            min_value=limits.min_clips,
            advice="add music to ingest.sources, or lower validate.ingest.min_clips",
        ),
        clips("every clip has an id", PRESENT, "clip_id"),
        clips("clip ids are unique", UNIQUE, "clip_id"),
        clips("every file has its sha256", MATCHES, "sha256", regex=HEXADECIMAL_SHA256),
        clips("every clip has a licence", MATCHES, "licence", regex=SOME_TEXT),
        clips("splits have known names", WITHIN, "split", value_set=list(SPLITS)),
        clips(
            "no split is empty",
            CONTAINS,
            "split",
            value_set=list(SPLITS),
            advice="with few artists the draw may leave a split out: take another ingest.split_seed",
        ),
        clips("a track lies in one split", BETWEEN, "splits_of_track", min_value=1, max_value=1),
        clips("an artist lies in one split", BETWEEN, "splits_of_artist", min_value=1, max_value=1),
        clips("clips start inside their track", BETWEEN, "offset_seconds", min_value=0),
        clips("clips end inside their track", BETWEEN, "seconds_left", min_value=-1e-3),
        clips("no sample exceeds full scale", BETWEEN, "peak_dbfs", max_value=1e-6),
        clips(
            "few clips are silent",
            BETWEEN,
            "rms_dbfs",
            min_value=limits.silence_dbfs,
            mostly=1 - limits.max_silent_share,
        ),
        clips(
            "few clips are clipped",
            BETWEEN,
            "clipped_share",
            max_value=CLIPPED_SHARE,
            mostly=1 - limits.max_clipped_share,
        ),
        clips(
            "few clips have mirrored channels",
            BETWEEN,
            "side_db",
            max_value=limits.max_side_db,
            mostly=1 - limits.max_mirrored_share,
            advice="their sum is near silence; ingest.screening.max_side_db refuses such files",
        ),
        clips(
            "few clips have an offset",
            BETWEEN,
            "dc_offset",
            "warning",
            max_value=limits.max_offset,
            mostly=1 - limits.max_offset_share,
            advice="a faulty converter or export; ingest.screening.max_offset refuses such files",
        ),
        clips(
            "most clips have a caption or tags",
            MATCHES,
            "description",
            regex=SOME_TEXT,
            mostly=1 - limits.max_uncaptioned_share,
            advice="fill in the captions table, or raise validate.ingest.max_uncaptioned_share",
        ),
        clips(
            "loudness lies in its range",
            BETWEEN,
            "loudness_lufs",
            "warning",
            min_value=quietest,
            max_value=loudest,
            mostly=LOUDNESS_SHARE,
        ),
        clips("every clip has a bandwidth", BETWEEN, "bandwidth_hz", "warning", min_value=1),
        of_table("tracks")(
            "few tracks are in quarantine",
            WITHIN,
            "state",
            value_set=["accepted"],
            mostly=1 - limits.max_quarantine_share,
            advice="data/<scale>/ingest/quarantine.parquet says why each is there",
        ),
    )


def data_set(manifest: pd.DataFrame, quarantine: pd.DataFrame, limits: IngestLimits, policy: Policy) -> DataSet:
    """What `ingest` wrote, as it is put to the test; the policy on licences is asked again, as a second defence."""
    found = tables(manifest, quarantine)
    found["clips"] = licences.with_verdicts(found["clips"], policy)
    counts = {
        "clips": len(manifest),
        "tracks": len(found["tracks"]),
        "quarantined": len(quarantine),
        "quarantined_because": quarantine["reason"].value_counts().to_dict(),
        "clips_of_licence": manifest["licence"].value_counts().to_dict(),
        "clips_of_split": manifest["split"].value_counts().to_dict(),
    }
    return DataSet((*suite(limits), *licences.licence_expectations()), found, manifest, counts)


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
