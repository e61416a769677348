"""Who leaves a data set and why: each clip once, with one reason, and the counts add up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.manifest import SPLITS, ClipAudio
from padstal.core.progress import Progress
from padstal.curation import likelihood, representation
from padstal.curation.config import CurateParams
from padstal.curation.duplicates import across, duplicates
from padstal.curation.ledger import Entry, account
from padstal.curation.quantiles import quantiles
from padstal.curation.weights import effective_clips, sample_weights

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""That metrics give of log-likelihoods."""


class CurationError(ValueError):
    """The data set cannot be curated as params ask; the message says what would mend it."""


@dataclass(frozen=True)
class Curation:
    """A curated data set.

    Attributes:
        clips: All clips, with `log_likelihood` and `duplicate_group`.
        dataset: Those that stay, with `weight`.
        removed: Those that leave, with `reason` and `detail`.
        groups: How many groups of near-duplicates there were.
        gaussian: Of the training tracks' CLAP embeddings; `None` where none could be fitted.
        no_gaussian: Why there is none, and that the likelihood cut was left out if params ask for one.
        loss: What the likelihood cut took of each tag.
        ledger: What became of every file and clip.
    """

    clips: pd.DataFrame
    dataset: pd.DataFrame
    removed: pd.DataFrame
    groups: int
    gaussian: likelihood.Gaussian | None
    no_gaussian: str
    loss: Mapping[str, Any]
    ledger: Mapping[str, Entry]

    def metrics(self) -> dict[str, Any]:
        """Counts of who stays and leaves, by split and reason, and what that did to the data set."""
        dataset, removed = self.dataset, self.removed
        return {
            "clips": len(self.clips),
            "kept": len(dataset),
            "kept_of_split": dataset["split"].value_counts().to_dict(),
            "kept_tracks_of_split": dataset.groupby("split")["track_id"].nunique().to_dict(),
            "removed": len(removed),
            "removed_because": removed["reason"].value_counts().to_dict(),
            "removed_tracks_because": removed.groupby("reason")["track_id"].nunique().to_dict(),
            "duplicate_groups": self.groups,
            **{f"duplicate_groups_across_{name}s": across(self.clips, name) for name in ("split", "artist", "licence")},
            "uncaptioned": int((dataset["caption"] == "").sum()),
            "log_likelihood_quantiles": quantiles(dataset["log_likelihood"].to_numpy(), QUANTILES),
            **({"no_likelihoods": self.no_gaussian} if self.no_gaussian else {}),
            "shrinkage": None if self.gaussian is None else self.gaussian.shrinkage,
            "genre_loss": self.loss,
            "effective_clips": effective_clips(dataset.loc[dataset["split"] == "train", "weight"].to_numpy()),
            "ledger": {name: entry.as_json() for name, entry in self.ledger.items()},
        }


def joined(manifest: pd.DataFrame, scores: pd.DataFrame, captions: pd.DataFrame) -> pd.DataFrame:
    """The manifest with scores and captions.

    Raises:
        CurationError: A clip has no score or no caption.
    """
    captions = captions[["clip_id", "original", "generated", "caption", "caption_licence", "decision"]]
    clips = manifest.drop(columns="caption").merge(scores, on="clip_id", validate="one_to_one")
    clips = clips.merge(captions, on="clip_id", validate="one_to_one")
    if len(clips) != len(manifest):
        raise CurationError(
            f"{len(manifest)} clips in the manifest, {len(clips)} with a score and a caption; rerun score and caption"
        )
    return clips


def curate(
    clips: pd.DataFrame,
    embedding_KD: np.ndarray,
    audio: ClipAudio,
    params: CurateParams,
    *,
    came: Mapping[str, int],
    quarantine: pd.DataFrame,
    progress: Progress,
) -> Curation:
    """Take near-duplicates, poor and unlikely training clips out, each for one reason, and check what is left.

    Args:
        clips: As of `joined`.
        embedding_KD: CLAP embedding of each clip.
        audio: The clips' samples.
        params: What leaves.
        came, quarantine: As of `account`.
        progress: Wraps tracks and pairs, to show progress.

    Raises:
        CurationError: The likelihood cut fails on the tracks' embeddings, or a split is left empty.
        LedgerError: A file or clip vanished.
    """
    clips = clips.assign(log_likelihood=np.nan, duplicate_group="")
    removals = Removals(clips)
    found = duplicates(clips, audio, params, progress)
    for group in found:
        clips.loc[clips["track_id"].isin(group.members), "duplicate_group"] = group.name
        for track, share in group.removed.items():
            removals.add(clips["track_id"] == track, "near_duplicate", f"of track {group.kept}, similarity {share:.3f}")

    training = clips["split"] == "train"
    if params.min_quality_level > 1:
        poor = training & (clips["quality_level"] < params.min_quality_level)
        removals.add(poor, "quality", f"quality level below {params.min_quality_level}")

    before_cut = removals.staying & training
    gaussian, no_gaussian = _cut_unlikely(clips, removals, embedding_KD, params)
    tracks = clips[before_cut].drop_duplicates("track_id")
    loss = representation.loss(tracks, removals.staying[tracks.index])

    dataset, removed = removals.split()
    dataset["weight"] = sample_weights(dataset, params.weights)
    ledger = account(came, quarantine, dataset, removed)
    for name in SPLITS:
        if not (dataset["split"] == name).any():
            raise CurationError(
                f"split {name}: no clip is left of {(clips['split'] == name).sum()}: keep more, or bring more music"
            )
    return Curation(clips, dataset, removed, len(found), gaussian, no_gaussian, loss, ledger)


class Removals:
    """Clips that leave `clips`, collected rule by rule; the first rule that takes a clip gives its reason."""

    def __init__(self, clips: pd.DataFrame):
        self._clips = clips
        self._reason = pd.Series("", index=clips.index)
        self._detail = pd.Series("", index=clips.index)

    @property
    def staying(self) -> pd.Series:
        """True at clips that no rule has taken so far."""
        return self._reason == ""

    def add(self, leaving: pd.Series, reason: str, detail: str) -> None:
        """Take out the clips where `leaving` is true, unless an earlier rule has."""
        rows = leaving & self.staying
        self._reason[rows] = reason
        self._detail[rows] = detail

    def split(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The clips that stay, and those that leave (with reason and detail), both in the clips' order."""
        leaving = ~self.staying
        removed = self._clips[leaving].assign(reason=self._reason[leaving], detail=self._detail[leaving])
        return self._clips[~leaving].reset_index(drop=True), removed.reset_index(drop=True)


def _cut_unlikely(
    clips: pd.DataFrame, removals: Removals, embedding_KD: np.ndarray, params: CurateParams
) -> tuple[likelihood.Gaussian | None, str]:
    """Log-likelihood of every track under a Gaussian of the training tracks; the least likely of those go.

    Returns the Gaussian, or `None` and why: there are too few tracks, which stops nobody's small library, or none could
    be fitted and none is needed (`keep_likelihood` is 1).
    """
    track_N, embedding_ND = likelihood.track_embeddings(embedding_KD, clips["track_id"].to_numpy())
    training = set(clips.loc[removals.staying & (clips["split"] == "train"), "track_id"])
    train_N = np.array([track in training for track in track_N])
    try:
        gaussian = likelihood.fit(embedding_ND[train_N], min_tracks=params.min_likelihood_tracks)
    except ValueError as error:
        if params.keep_likelihood == 1:
            return None, str(error)
        if isinstance(error, likelihood.TooFewTracksError):
            return None, f"{error}; the likelihood cut is left out"
        raise CurationError(f"likelihood cut: {error}; or set keep_likelihood: 1 to do without") from None
    log_likelihood_N = gaussian.log_likelihood(embedding_ND)
    clips["log_likelihood"] = clips["track_id"].map(dict(zip(track_N, log_likelihood_N, strict=True)))
    chosen_N = likelihood.most_likely(log_likelihood_N[train_N], params.keep_likelihood)
    removals.add(
        clips["track_id"].isin(track_N[train_N][~chosen_N]),
        "unlikely",
        f"not among the most likely {params.keep_likelihood:.0%} of training tracks",
    )
    return gaussian, ""
