"""What each data stage claims, held against what the composer planted: files refused, faults heard, faults left.

`truth` has the measures; here are the tables that they are taken of. A clip's truth is its file's, found by sha256.
"""

from typing import Any

import numpy as np
import pandas as pd

from padstal.evaluation.caption_effect import Effect, Estimate, effects
from padstal.evaluation.truth import (
    Detection,
    against_chance,
    agreement,
    correlation,
    interval_of,
    proportion,
    separation,
)

CLIPPED = "clipped, kept as it is"
"""What ingest notes of a track that is clipped, and in which it puts nothing right."""
POOR_MOS = 3.0
"""Tracks of a true mean opinion score below this ("fair") should be marked as of low quality."""
LOWEST_LEVEL = 1
"""Of quality levels; its clips get the prefix of low quality."""
MEASURED = {"clipping": ("clipped_share", 1), "band limit": ("bandwidth_hz", -1)}
"""Degradation → the manifest's column that ingest screens by, and the direction in which it tells."""
CAPTION_FAULTS = {"": "right", "wrong": "wrong", "weak": "weak", "missing": "missing"}


def with_truth(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Rows of `table` whose file (`sha256`) has a truth, with the truth's columns as `true_<name>`."""
    columns = truth.drop(columns=["path"]).drop_duplicates("sha256")
    renamed = columns.rename(
        columns={name: f"true_{name.removeprefix('true_')}" for name in columns if name != "sha256"}
    )
    return table.merge(renamed, on="sha256", how="inner", validate="many_to_one")


def foreign_licences(truth: pd.DataFrame, quarantine: pd.DataFrame) -> Detection:
    """Planted licences that the policy does not name, against what ingest refused for its licence."""
    of_corpus = quarantine[quarantine["sha256"].isin(truth["sha256"])]
    refused = set(of_corpus.loc[of_corpus["reason"] == "licence", "path"])
    planted = set(truth.loc[truth["licence_foreign"], "path"])
    return Detection(len(planted), len(refused), len(planted & refused), len(refused - planted))


def sound_files_kept(truth: pd.DataFrame, manifest: pd.DataFrame) -> dict[str, Any] | None:
    """Share of files with nothing wrong (no degradation, licence of the policy, no exact copy) that gave clips."""
    sound = truth[~truth["licence_foreign"] & (truth["duplicate_kind"] != "exact") & (truth["degradation"] == "")]
    return proportion(int(sound["sha256"].isin(manifest["sha256"]).sum()), len(sound)) if len(sound) else None


def screening(truth: pd.DataFrame, manifest: pd.DataFrame, quarantine: pd.DataFrame) -> dict[str, Any]:
    """By kind of degradation: files refused and repaired by ingest's limits, and how well the measure it screens by
    tells the kind from clean tracks (area under the ROC curve, whatever the limit)."""
    known = with_truth(manifest, truth)
    tracks = known.groupby("track_id", sort=True).first()
    columns = [column for column, _ in MEASURED.values() if column in known]
    means = known.groupby("track_id", sort=True)[columns].mean()
    lost = set(quarantine.loc[~quarantine["reason"].isin(("licence", "duplicate")), "sha256"])
    found: dict[str, Any] = {}
    for kind in _kinds(truth):
        files = truth[(truth["degradation"] == kind) & ~truth["licence_foreign"] & (truth["duplicate_kind"] != "exact")]
        of_kind = tracks["true_degradation"] == kind
        repairs = tracks.loc[of_kind, "repairs"] if "repairs" in tracks else of_kind[of_kind].map({True: ""})
        repaired = ~repairs.isin(("", CLIPPED))
        found[kind] = {
            "refused": int(files["sha256"].isin(lost).sum()),
            "repaired": int(repaired.sum()),
            "files": len(files),
        }
        column, sign = MEASURED.get(kind, ("", 0))
        if column in means:
            told = of_kind | (tracks["true_degradation"] == "")
            found[kind]["roc_area"] = separation(sign * means.loc[told, column].to_numpy(), of_kind[told].to_numpy())
    return found


def quality(truth: pd.DataFrame, manifest: pd.DataFrame, scores: pd.DataFrame) -> dict[str, Any] | None:
    """How p-MOS tells degraded tracks from clean ones, all and by kind, and how well the lowest level marks poor ones.

    Per kind: mean p-MOS, area under the ROC curve against the clean tracks, and Spearman's correlation with the true
    score among the kind's own tracks. A track's p-MOS is the mean of its clips'.
    """
    clips = with_truth(manifest.merge(scores, on="clip_id", validate="one_to_one"), truth)
    if clips.empty:
        return None
    by_track = clips.groupby("track_id", sort=True)
    tracks = by_track.agg(pmos=("pmos", "mean"), mos=("true_mos", "first"), kind=("true_degradation", "first")).dropna(
        subset=["pmos"]
    )
    clean = tracks["kind"] == ""
    degraded = (~clean).to_numpy()
    found: dict[str, Any] = {
        "degraded": {"value": separation(-tracks["pmos"].to_numpy(), degraded), "chance": 0.5, "n": len(tracks)},
        "pmos_of_clean": _mean(tracks.loc[clean, "pmos"]),
        "of_kind": {},
    }
    for kind in _kinds(truth):
        own = (tracks["kind"] == kind).to_numpy()
        told = tracks[own | clean.to_numpy()]
        found["of_kind"][kind] = {
            "pmos": _mean(tracks.loc[own, "pmos"]),
            "roc_area": separation(-told["pmos"].to_numpy(), (told["kind"] == kind).to_numpy()),
            "spearman": correlation(tracks.loc[own, "pmos"].to_numpy(), tracks.loc[own, "mos"].to_numpy()),
            "n": int(own.sum()),
        }
    if "quality_level" in clips:
        found["lowest_level"] = _lowest_level(clips)
    return found


def _lowest_level(clips: pd.DataFrame) -> dict[str, Any]:
    """Poor clips found by the lowest quality level; intervals over tracks."""
    lowest = (clips["quality_level"] == LOWEST_LEVEL).to_numpy()
    poor, tracks = (clips["true_mos"] < POOR_MOS).to_numpy(), clips["track_id"].to_numpy(dtype=object)
    marked = Detection(int(poor.sum()), int(lowest.sum()), int((poor & lowest).sum()), int((lowest & ~poor).sum()))
    return {
        **marked.as_json(),
        "precision_interval": interval_of(poor[lowest], tracks[lowest]),
        "precision_chance": float(poor.mean()),
        "recall_interval": interval_of(lowest[poor], tracks[poor]),
        "tracks": len(set(tracks[poor])),
    }


def captions_by_fault(captions: pd.DataFrame, genres: tuple[str, ...]) -> dict[str, Any]:
    """By what is wrong with the original (nothing, wrong, weak, missing): decisions, CLAP score, genre named right.

    Args:
        captions: As for `truth.caption_faults`, with `similarity_caption_audio` and `generated` where known.
        genres: The words to look for.
    """
    found = {}
    for fault, name in CAPTION_FAULTS.items():
        rows = captions[captions["caption_fault"] == fault]
        if rows.empty:
            continue
        true = rows["genre"].tolist()
        told = {
            "clips": len(rows),
            "tracks": int(rows["track_id"].nunique()),
            "decisions": {str(key): int(n) for key, n in rows["decision"].value_counts().sort_index().items()},
            "genre_before": agreement(rows["original"].tolist(), true, genres)["right_of_all"],
            "genre_after": agreement(rows["caption"].tolist(), true, genres)["right_of_all"],
        }
        if "similarity_caption_audio" in rows:
            told["clap_score"] = _effect(effects(rows)["all"])
        found[name] = told
    return found


def left(truth: pd.DataFrame, dataset: pd.DataFrame) -> dict[str, int]:
    """What should have gone and is still in the curated data set, and what its splits share; each should be 0."""
    kept = set(dataset["sha256"])
    of_path = truth.set_index("path")["sha256"]
    split = dataset.drop_duplicates("sha256").set_index("sha256")["split"]
    copies = truth[truth["duplicate_of"] != ""]
    pairs = [
        (kind, ours, of_path[original])
        for kind, ours, original in copies[["duplicate_kind", "sha256", "duplicate_of"]].itertuples(index=False)
        if original in of_path.index
    ]
    both = [(kind, a, b) for kind, a, b in pairs if a != b and a in kept and b in kept]
    known = with_truth(dataset, truth)
    return {
        "foreign_licences": int(known.loc[known["true_licence_foreign"], "sha256"].nunique()),
        "exact_duplicates": len(dataset) - len(dataset.drop_duplicates(["sha256", "offset_seconds"])),
        "near_duplicates": sum(kind == "near" for kind, _, _ in both),
        "recordings_in_two_splits": sum(split[a] != split[b] for _, a, b in both),
        "artists_in_two_splits": _shared(known, "true_artist"),
    }


def unlikely(truth: pd.DataFrame, manifest: pd.DataFrame, dataset: pd.DataFrame, removed: pd.DataFrame) -> Any:
    """What the likelihood cut took from the training tracks: how many were degraded, beside their share of all, and
    what it cost each true genre; `None` where it took nothing."""
    cut = set(removed.loc[removed["reason"] == "unlikely", "track_id"])
    training = with_truth(manifest[manifest["split"] == "train"].drop_duplicates("track_id"), truth)
    training = training[training["track_id"].isin(cut | set(dataset["track_id"]))]
    gone = training["track_id"].isin(cut)
    if not gone.any():
        return None
    degraded = training["true_degradation"] != ""
    before = training["true_genre"].value_counts()
    after = training.loc[~gone, "true_genre"].value_counts()
    return {
        "degraded": against_chance(float(degraded[gone].mean()), float(degraded.mean()), int(gone.sum())),
        "genre_entropy_before": _entropy(before),
        "genre_entropy_after": _entropy(after),
        "of_genre": {
            str(genre): {"tracks": int(n), "lost": int(n) - int(after.get(genre, 0))}
            for genre, n in before.sort_index().items()
        },
    }


def _kinds(truth: pd.DataFrame) -> list[str]:
    return sorted(set(truth["degradation"]) - {""})


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None


def _shared(table: pd.DataFrame, column: str) -> int:
    named = table[table[column] != ""]
    return int((named.groupby(column)["split"].nunique() > 1).sum())


def _entropy(counts: pd.Series) -> float:
    """Of shares, in bits."""
    share = counts.to_numpy(dtype=np.float64) / max(counts.sum(), 1)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0


def _effect(found: Effect) -> dict[str, Any]:
    return {name: _estimate(getattr(found, name)) for name in ("before", "after", "difference")}


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "interval": list(found.interval) if found.interval else None, "n": found.n}
