"""Tables of the pipeline joined with the composer's truth, and the measures of `truth.py` on them."""

from typing import Any

import numpy as np
import pandas as pd

from padstal.core.protocols import AudioTextEmbedder
from padstal.evaluation import planted
from padstal.evaluation.clips import Clips
from padstal.evaluation.planted import with_truth
from padstal.evaluation.truth import accuracy, caption_faults, correlation, duplicates, recall_at

FOUNDATION = ("clap_recall_at_10", "clap_zero_shot_genre", "tagger_genre", "pmos_against_mos", "pmos_against_severity")
STAGES = (
    "exact_duplicates",
    "foreign_licences",
    "sound_files_kept",
    "screening",
    "quality",
    "captions",
    "near_duplicates",
    "left",
    "unlikely",
)


def one_a_track(dataset: pd.DataFrame) -> list[str]:
    """The first clip of each track."""
    ordered = dataset.sort_values(["track_id", "offset_seconds", "clip_id"], kind="stable")
    return ordered.drop_duplicates("track_id")["clip_id"].tolist()


def foundation(
    truth: pd.DataFrame,
    manifest: pd.DataFrame,
    scores: pd.DataFrame,
    clips: Clips,
    clip_ids: list[str],
    clap: AudioTextEmbedder,
    genres: tuple[str, ...],
) -> dict[str, Any]:
    """How well the foundation models hear the corpus; all `None` without truth.

    Args:
        truth: The composer's table, perhaps empty.
        manifest: All clips, for p-MOS.
        scores: `clip_id`, `pmos`.
        clips: Clips that the models heard.
        clip_ids: One clip a track among them.
        clap: The text side of CLAP.
        genres: The tagger's words.
    """
    known = with_truth(clips.table.iloc[clips.rows(clip_ids)].drop(columns=["pmos"], errors="ignore"), truth)
    if known.empty:
        return dict.fromkeys(FOUNDATION)
    heard = clips.heard.take(clips.rows(known["clip_id"].tolist()))
    audio_TD = _unit(heard.clap_NWD.mean(axis=1))
    classes = tuple(sorted(set(known["true_genre"])))
    scored = with_truth(manifest.merge(scores[["clip_id", "pmos"]], on="clip_id", validate="one_to_one"), truth)
    return {
        "clap_recall_at_10": recall_at(audio_TD, clap.embed_text(known["true_caption"].tolist())),
        "clap_zero_shot_genre": accuracy(
            audio_TD @ clap.embed_text(list(classes)).T, classes, known["true_genre"].tolist()
        ),
        "tagger_genre": accuracy(heard.genre_NG, genres, known["true_genre"].tolist()),
        "pmos_against_mos": _by_split(scored, "true_mos", 1),
        "pmos_against_severity": _by_split(scored, "true_severity", -1),
    }


def stages(
    truth: pd.DataFrame,
    manifest: pd.DataFrame,
    quarantine: pd.DataFrame,
    scores: pd.DataFrame,
    captions: pd.DataFrame,
    dataset: pd.DataFrame,
    removed: pd.DataFrame,
) -> dict[str, Any]:
    """What ingest, score, caption and curate claim, against what was planted; all `None` without truth."""
    if truth.empty:
        return dict.fromkeys(STAGES)
    known = with_truth(manifest[["clip_id", "track_id", "sha256"]], truth)
    joined = captions.merge(known, on="clip_id", validate="one_to_one")
    joined = joined.rename(columns={"true_genre": "genre", "true_caption_fault": "caption_fault"})
    genres = tuple(sorted(set(truth["genre"])))
    faults = caption_faults(joined, genres)
    if faults is not None:
        faults["of_fault"] = planted.captions_by_fault(joined, genres)
    exact = set(quarantine.loc[quarantine["reason"] == "duplicate", "path"])
    path_of = dict(zip(manifest["track_id"], manifest["path"], strict=True))
    near = {path_of[track] for track in removed.loc[removed["reason"] == "near_duplicate", "track_id"]}
    grouped = dataset[dataset["duplicate_group"].notna() & ~dataset["duplicate_group"].astype(str).isin(("", "-1"))]
    together = [set(group["path"]) for _, group in grouped.groupby("duplicate_group", sort=True)]
    return {
        "exact_duplicates": duplicates(truth, "exact", exact).as_json(),
        "foreign_licences": planted.foreign_licences(truth, quarantine).as_json(),
        "sound_files_kept": planted.sound_files_kept(truth, manifest),
        "screening": planted.screening(truth, manifest, quarantine),
        "quality": planted.quality(truth, manifest, scores),
        "captions": faults,
        "near_duplicates": duplicates(truth, "near", near, together).as_json(),
        "left": planted.left(truth, dataset),
        "unlikely": planted.unlikely(truth, manifest, dataset, removed),
    }


def genre_labels(manifest: pd.DataFrame, truth: pd.DataFrame) -> dict[str, str] | None:
    """Clip → true genre; `None` unless every clip has one."""
    known = with_truth(manifest[["clip_id", "sha256"]], truth)
    if len(known) < len(manifest) or known.empty:
        return None
    return dict(zip(known["clip_id"], known["true_genre"], strict=True))


def _by_split(scored: pd.DataFrame, true: str, sign: int) -> dict[str, float | int | None]:
    """Spearman's correlation over tracks (mean p-MOS of a track's clips), for all tracks and for the test split's."""
    tracks = scored.groupby("track_id", sort=True).agg(
        pmos=("pmos", "mean"), true=(true, "first"), split=("split", "first")
    )
    test = tracks[tracks["split"] == "test"]
    return {
        "spearman": correlation(tracks["pmos"].to_numpy(), sign * tracks["true"].to_numpy()),
        "n": len(tracks),
        "spearman_test": correlation(test["pmos"].to_numpy(), sign * test["true"].to_numpy()),
        "n_test": len(test),
    }


def _unit(x_TD: np.ndarray) -> np.ndarray:
    return x_TD / np.maximum(np.linalg.norm(x_TD, axis=1, keepdims=True), 1e-12)
