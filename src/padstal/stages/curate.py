"""`curate`: near-duplicates, poor training clips and unlikely tracks out (DiscoDiff 4.1), splits and counts checked."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder, read_json, write_json
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.curation import likelihood, representation
from padstal.curation.config import CurateParams
from padstal.curation.curation import Removals, check_counts
from padstal.curation.duplicates import DuplicateGroup, groups
from padstal.curation.fingerprint import track_fingerprint
from padstal.curation.ledger import Entry, LedgerError
from padstal.curation.listening import clip_sample_rate
from padstal.curation.matching import matches
from padstal.curation.splits import SharedBetweenSplitsError, check_disjoint
from padstal.curation.weights import effective_clips, sample_weights
from padstal.ingest.rejection import DUPLICATE, ROW_REASONS
from padstal.stages.harness import Stage, StageError, run_stage

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TAGS_REPORTED = 24
"""The commonest tags, whose loss is written down."""
TAG_CHARACTERS = 60
CAPTION_COLUMNS = ["clip_id", "original", "caption", "caption_licence", "decision"]


def main(stage: Stage[CurateParams]) -> None:
    """Take clips out, each for one reason; write who stays (`dataset.parquet`) and who leaves (`removed.parquet`).

    Beside them lies what `validate@curate` holds them against: `origin.json` (clips of the manifest; μ, σ and rules of
    quality levels) and `gaussian.npy` (mean and covariance of the training tracks' CLAP embeddings).
    """
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

    before_cut = removals.staying & (clips["split"] == "train")
    gaussian = cut_unlikely(stage, clips, removals)
    lost = genre_loss(clips, before_cut, removals.staying)

    dataset, removed = removals.split()
    check_counts(clips, dataset, removed)
    weights = params.weights
    dataset["weight"] = sample_weights(dataset, by=weights.by, power=weights.power)
    try:
        counted = ledger(stage, clips, dataset, removed)
        check_disjoint(dataset, names=("track_id", "artist", "album", "duplicate_group"))
    except (SharedBetweenSplitsError, LedgerError) as error:
        raise StageError(str(error)) from None
    for name in ("train", "validation", "test"):
        if not (dataset["split"] == name).any():
            raise StageError(
                f"split {name}: no clip is left of {(clips['split'] == name).sum()}: keep more, or bring more music"
            )
    with atomic_folder(stage.paths.curate) as folder:
        write_table(dataset, folder / "dataset.parquet")
        write_table(removed, folder / "removed.parquet")
        pmos = read_json(stage.paths.score / "distribution.json")
        write_json(folder / "origin.json", {"clips": len(clips), "pmos": pmos})
        if gaussian is not None:
            np.save(folder / "gaussian.npy", gaussian.moments)
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
            **{f"duplicate_groups_across_{name}s": across(clips, name) for name in ("split", "artist", "licence")},
            "uncaptioned": int((dataset["caption"] == "").sum()),
            "log_likelihood_quantiles": {str(q): float(known.quantile(q)) for q in QUANTILES} if len(known) else None,
            "shrinkage": None if gaussian is None else gaussian.shrinkage,
            "genre_loss": lost,
            "effective_clips": effective_clips(dataset.loc[dataset["split"] == "train", "weight"].to_numpy()),
            "ledger": {name: entry.as_json() for name, entry in counted.items()},
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
    """Groups of tracks whose fingerprints match; of each, one stays (see `quality.duplicates`)."""
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
    return groups(list(of_track.groups), found, of_track["pmos"].mean().to_dict(), of_track["split"].first().to_dict())


def cut_unlikely(stage: Stage[CurateParams], clips: pd.DataFrame, removals: Removals) -> likelihood.Gaussian | None:
    """Log-likelihood of every track under a Gaussian of the training tracks; the least likely of those go.

    Returns the Gaussian, or `None` where no Gaussian could be fitted and none is needed (`keep_likelihood` is 1).
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
    return gaussian


def genre_loss(clips: pd.DataFrame, before: pd.Series, staying: pd.Series) -> dict[str, Any]:
    """What the likelihood cut took of each tag, over training tracks, and the entropy of tags before and after."""
    tracks = clips[before].drop_duplicates("track_id")
    lost = representation.loss(tracks, staying[tracks.index])
    shares = lost.tracks_lost
    return {
        "tracks_before": len(tracks),
        "tracks_after": int(staying[tracks.index].sum()),
        "entropy_before": representation.entropy(lost.before),
        "entropy_after": representation.entropy(lost.after),
        "tags": len(lost.before),
        "of_tag": {
            tag[:TAG_CHARACTERS]: {"tracks": lost.before[tag], "lost": shares[tag]}
            for tag in list(lost.before)[:TAGS_REPORTED]
        },
    }


def ledger(
    stage: Stage[CurateParams], clips: pd.DataFrame, dataset: pd.DataFrame, removed: pd.DataFrame
) -> dict[str, Entry]:
    """What became of every file and clip since ingest, from the tables, against what ingest counted coming in.

    Raises:
        LedgerError: Something vanished or was counted twice.
    """
    came = read_json(stage.paths.metrics("ingest"))
    quarantine = read_table(stage.paths.ingest / "quarantine.parquet")
    refused = quarantine.loc[~quarantine["reason"].isin(ROW_REASONS), "reason"]
    copies = int((refused == DUPLICATE).sum())
    tracks = int(clips["track_id"].nunique())
    ingested = Entry("ingest, files", came["files"], tracks, len(refused) - copies, copies).checked()

    gone = removed[~removed["track_id"].isin(dataset["track_id"])].drop_duplicates("track_id", keep="last")
    near, kept = int((gone["reason"] == "near_duplicate").sum()), int(dataset["track_id"].nunique())
    curated = Entry("curate, files", tracks, kept, duplicates=near, filtered=len(gone) - near).checked()
    near = int((removed["reason"] == "near_duplicate").sum())
    clips_left = Entry("curate, clips", came["clips"], len(dataset), duplicates=near, filtered=len(removed) - near)
    return {
        "ingest_files": ingested,
        "curate_files": curated,
        "all_files": ingested.then(curated, "all, files"),
        "curate_clips": clips_left.checked(),
    }


def across(clips: pd.DataFrame, column: str) -> int:
    """Duplicate groups that held more than one known value of `column` before all but one of each left."""
    known = clips[(clips["duplicate_group"] != "") & (clips[column] != "")]
    return int((known.groupby("duplicate_group")[column].nunique() > 1).sum())


if __name__ == "__main__":
    run_stage("curate", CurateParams, main)
