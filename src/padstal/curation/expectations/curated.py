"""The suites over what `curate` made: captions, quality, splits and counts of the data set that models train on.

The tables: "clips" (the data set), "seen" (the data set and what left it), "tags" (one row a common tag) and "whole"
(one row: shares, counts and errors of the data set as a whole).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.manifest import SPLITS
from padstal.curation import levels
from padstal.curation.expectations.config import CurateLimits
from padstal.curation.expectations.expectation import DataSet, Expectation
from padstal.curation.expectations.ingested import splits_of
from padstal.curation.expectations.suite import read_suite
from padstal.curation.tags import tags_of

HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and those that hide or reorder text."""
HOLDS = "holds"
WITH_ORIGINAL = ("fused", "fusion_rejected", "redundant", "replaced", "kept", "kept_unfit")
"""Decisions that say that there was an original caption."""
WRITTEN = ("fused", "fusion_rejected", "redundant", "replaced", "captioned")
"""Decisions whose caption refinement wrote."""
DECISIONS = (*WITH_ORIGINAL, "captioned", "unconditional")


@dataclass(frozen=True)
class Curated:
    """What `curate` wrote.

    Attributes:
        dataset: The clips that stay: manifest, scores, captions, likelihood, duplicate group.
        removed: The clips that left, with the same columns, `reason` and `detail`.
        origin: `clips` (in the manifest) and `pmos` (μ, σ, n, quantiser and gap policy by which levels were given).
    """

    dataset: pd.DataFrame
    removed: pd.DataFrame
    origin: Mapping[str, Any]


def suite(limits: CurateLimits) -> tuple[Expectation, ...]:
    """The suites over `tables`, with the limits of params (`common_tag_tracks` acts in the tables)."""
    known = {"SPLITS": list(SPLITS), "DECISIONS": list(DECISIONS), "LEVELS": [levels.UNKNOWN_LEVEL, *levels.LEVELS]}
    return read_suite("curated.yaml", {**dict(limits), **dict(limits.split_shares), **known})


def data_set(curated: Curated, limits: CurateLimits, gaussian: np.ndarray | None) -> DataSet:
    """What `curate` wrote, as it is put to the test."""
    counts = {
        "clips": len(curated.dataset),
        "removed": len(curated.removed),
        "clips_of_decision": curated.dataset["decision"].value_counts().to_dict(),
        "clips_of_split": curated.dataset["split"].value_counts().to_dict(),
    }
    return DataSet(suite(limits), tables(curated, limits.common_tag_tracks), curated.dataset, counts, gaussian)


def tables(curated: Curated, common_tag_tracks: int) -> dict[str, pd.DataFrame]:
    """The tables that `suite` looks at."""
    seen = pd.concat([curated.dataset.assign(reason=HOLDS), curated.removed], ignore_index=True)
    return {
        "clips": clips_table(curated, seen),
        "seen": seen.assign(id=seen["clip_id"])[["id", "clip_id", "reason"]],
        "tags": tags_table(seen, common_tag_tracks),
        "whole": whole_table(curated, seen),
    }


def clips_table(curated: Curated, seen: pd.DataFrame) -> pd.DataFrame:
    """The data set with what the suite derives from it; `id` names a row."""
    table = curated.dataset.copy()
    table["id"] = table["clip_id"]
    table["hidden_characters"] = table["caption"].map(lambda text: len(HIDDEN.findall(text)))
    table["caption_claim"] = caption_claims(table)
    table["written_bytes"] = (
        table["caption"].map(lambda text: len(text.encode())).where(table["decision"].isin(WRITTEN), 0)
    )
    score_N = table["pmos"].to_numpy(np.float64)
    given = curated.origin["pmos"]
    fitted = levels.fit(train_pmos(seen))
    table["level_error"] = abs(table["quality_level"] - levels.quality_level(score_N, fitted, given["quantiser"]))
    prefixes = levels.quality_prefix(score_N, fitted, given["gap_policy"])
    table["prefix_claim"] = [
        HOLDS if found == due else f"{found!r}, due {due!r}"
        for found, due in zip(table["prefix"], prefixes, strict=True)
    ]
    for name, columns in (
        ("track", ("track_id",)),
        ("artist", ("artist",)),
        ("album", ("artist", "album")),
        ("duplicate_group", ("duplicate_group",)),
    ):
        table[f"splits_of_{name}"] = splits_of(table, *columns)
    return table


def caption_claims(clips: pd.DataFrame) -> list[str]:
    """For each clip `HOLDS`, or how its decision contradicts its original and refined captions."""
    claims = []
    for decision, original, caption in zip(clips["decision"], clips["original"], clips["caption"], strict=True):
        if (decision in WITH_ORIGINAL) and not original.strip():
            claims.append(f"{decision}, but there was no original caption")
        elif decision == "captioned" and original.strip():
            claims.append("captioned, but there was an original caption")
        elif (decision == "unconditional") != (not caption.strip()):
            claims.append(f"{decision}, {'without' if not caption.strip() else 'with'} a caption")
        else:
            claims.append(HOLDS)
    return claims


def train_pmos(seen: pd.DataFrame) -> np.ndarray:
    """p-MOS [N] of all training clips that were scored, also of those that left."""
    return seen.loc[seen["split"] == "train", "pmos"].to_numpy(np.float64)


def tags_table(seen: pd.DataFrame, common_tag_tracks: int) -> pd.DataFrame:
    """A row a tag of at least `common_tag_tracks` training tracks: `id`, `tracks` before, and `kept_share`.

    Near-duplicates that left do not count: their music stays.
    """
    training = seen[(seen["split"] == "train") & (seen["reason"] != "near_duplicate")]
    tagged = training[["track_id", "tags", "reason"]].drop_duplicates("track_id")
    tags = tags_of(tagged["tags"])
    kept = (tagged["reason"] == HOLDS).reindex(tags.index)
    counted = (
        pd.DataFrame({"tag": tags, "kept": kept})[tags != ""].groupby("tag")["kept"].agg(tracks="size", kept="sum")
    )
    common = counted[counted["tracks"] >= common_tag_tracks]
    shares = common["kept"].astype(float) / common["tracks"].astype(float)
    return common.assign(id=common.index, kept_share=shares)[["id", "tracks", "kept_share"]].reset_index(drop=True)


def whole_table(curated: Curated, seen: pd.DataFrame) -> pd.DataFrame:
    """One row about the data set as a whole."""
    dataset, given = curated.dataset, curated.origin["pmos"]
    fitted = levels.fit(train_pmos(seen))
    scale = max(abs(fitted.mu), fitted.sigma)
    row = {
        "id": "data set",
        "fused_share": float((dataset["decision"] == "fused").mean()),
        "replaced_share": float((dataset["decision"] == "replaced").mean()),
        **{f"{name}_share": float((dataset["split"] == name).mean()) for name in SPLITS},
        "removed_share": len(curated.removed) / max(len(seen), 1),
        "lost": int(curated.origin["clips"]) - len(seen),
        "mu_error": abs(fitted.mu - given["mu"]) / scale,
        "sigma_error": abs(fitted.sigma - given["sigma"]) / scale,
        "n_error": abs(fitted.n - given["n"]),
    }
    return pd.DataFrame([row])
