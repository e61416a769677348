"""`curate`: near-duplicates, poor training clips and unlikely tracks out (DiscoDiff 4.1), splits checked."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from padstal.manifest import ClipAudio, read_table, write_table
from padstal.params.curate import CurateParams
from padstal.quality import likelihood
from padstal.quality.curation import Removals, check_counts
from padstal.quality.duplicates import DuplicateGroup, groups
from padstal.quality.fingerprint import matches, track_fingerprint
from padstal.quality.listening import clip_sample_rate
from padstal.quality.splits import SharedBetweenSplitsError, check_disjoint
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.storage.atomic import atomic_folder

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CAPTION_COLUMNS = ["clip_id", "original", "caption", "caption_licence", "decision"]


def main(stage: Stage[CurateParams]) -> None:
    """Take clips out, each for one reason; write who stays (`dataset.parquet`) and who leaves (`removed.parquet`)."""
    params = stage.params
    clips = joined(stage)
    removals = Removals(clips)

    duplicates = find_duplicates(stage, clips)
    for group in duplicates:
        clips.loc[clips["track_id"].isin(group.members), "duplicate_group"] = group.name
        for track, share in group.removed.items():
            removals.add(clips["track_id"] == track, "near_duplicate", f"of track {group.kept}, similarity {share:.3f}")

    poor = (clips["split"] == "train") & (clips["quality_level"] < params.min_quality_level)
    if params.min_quality_level > 1:
        removals.add(poor, "quality", f"quality level below {params.min_quality_level}")

    shrinkage = cut_unlikely(stage, clips, removals)

    dataset, removed = removals.split()
    check_counts(clips, dataset, removed)
    try:
        check_disjoint(dataset, names=("track_id", "artist", "album", "duplicate_group"))
    except SharedBetweenSplitsError as error:
        raise StageError(str(error)) from None
    for name in ("train", "validation", "test"):
        if not (dataset["split"] == name).any():
            raise StageError(
                f"split {name}: no clip is left of {(clips['split'] == name).sum()}: keep more, or bring more music"
            )
    with atomic_folder(stage.paths.curate) as folder:
        write_table(dataset, folder / "dataset.parquet")
        write_table(removed, folder / "removed.parquet")
    known = dataset["log_likelihood"].dropna()
    stage.write_metrics(
        {
            "clips": len(clips),
            "kept": len(dataset),
            "kept_of_split": dataset["split"].value_counts().to_dict(),
            "kept_tracks_of_split": dataset.groupby("split")["track_id"].nunique().to_dict(),
            "removed": len(removed),
            "removed_because": removed["reason"].value_counts().to_dict(),
            "removed_tracks_because": removed.groupby("reason")["track_id"].nunique().to_dict(),
            "duplicate_groups": len(duplicates),
            "duplicate_groups_across_splits": across_splits(clips),
            "uncaptioned": int((dataset["caption"] == "").sum()),
            "log_likelihood_quantiles": {str(q): float(known.quantile(q)) for q in QUANTILES} if len(known) else None,
            "shrinkage": shrinkage,
        }
    )


def joined(stage: Stage[CurateParams]) -> pd.DataFrame:
    """The manifest with scores, captions, and empty columns for what this stage finds."""
    manifest = read_table(stage.paths.ingest / "manifest.parquet")
    scores = read_table(stage.paths.score / "scores.parquet")
    captions = read_table(stage.paths.caption / "captions.parquet")[CAPTION_COLUMNS]
    clips = manifest.drop(columns="caption").merge(scores, on="clip_id", validate="one_to_one")
    clips = clips.merge(captions, on="clip_id", validate="one_to_one")
    if len(clips) != len(manifest):
        raise StageError(
            f"{len(manifest)} clips in the manifest, {len(clips)} with a score and a caption; rerun score and caption"
        )
    return clips.assign(log_likelihood=np.nan, duplicate_group="")


def find_duplicates(stage: Stage[CurateParams], clips: pd.DataFrame) -> tuple[DuplicateGroup, ...]:
    """Groups of tracks whose fingerprints match; of each, the track of the best mean p-MOS stays."""
    audio = ClipAudio(stage.paths.ingest)
    rate = clip_sample_rate(audio, clips)
    of_track = clips.groupby("track_id")
    fingerprints = [track_fingerprint(audio, rows, rate) for _, rows in stage.progress(of_track, unit="track")]

    def show(pairs: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        return stage.progress(pairs, unit="pair")

    found = matches(
        fingerprints,
        least=stage.params.duplicate_similarity,
        max_shift_seconds=stage.params.max_shift_seconds,
        progress=show,
    )
    return groups(list(of_track.groups), found, of_track["pmos"].mean().to_dict())


def cut_unlikely(stage: Stage[CurateParams], clips: pd.DataFrame, removals: Removals) -> float | None:
    """Log-likelihood of every track under a Gaussian of the training tracks; the least likely of those go.

    Returns the shrinkage, or `None` where no Gaussian could be fitted and none is needed (`keep_likelihood` is 1).
    """
    params = stage.params
    embedding_KD = np.load(stage.paths.caption / "audio_embeddings.npy")
    track_N, embedding_ND = likelihood.track_embeddings(embedding_KD, clips["track_id"].to_numpy())
    training = set(clips.loc[removals.staying & (clips["split"] == "train"), "track_id"])
    train_N = np.array([track in training for track in track_N])
    try:
        gaussian = likelihood.fit(embedding_ND[train_N], min_tracks=params.min_likelihood_tracks)
    except ValueError as error:
        if params.keep_likelihood < 1:
            raise StageError(f"likelihood cut: {error}; or set keep_likelihood: 1 to do without") from None
        stage.say(f"no likelihoods: {error}")
        return None
    log_likelihood_N = gaussian.log_likelihood(embedding_ND)
    clips["log_likelihood"] = clips["track_id"].map(dict(zip(track_N, log_likelihood_N, strict=True)))
    chosen_N = likelihood.most_likely(log_likelihood_N[train_N], params.keep_likelihood)
    unlikely = track_N[train_N][~chosen_N]
    removals.add(
        clips["track_id"].isin(unlikely),
        "unlikely",
        f"not among the most likely {params.keep_likelihood:.0%} of training tracks",
    )
    return gaussian.shrinkage


def across_splits(clips: pd.DataFrame) -> int:
    """Duplicate groups that lay in more than one split before all but one of each left."""
    grouped = clips[clips["duplicate_group"] != ""].groupby("duplicate_group")["split"]
    return int((grouped.nunique() > 1).sum())


if __name__ == "__main__":
    run_stage("curate", CurateParams, main)
