"""Measures against what the composer planted: are the foundation models and the curation as good as they must be?

The corpus is held out from the foundation models, which were trained on another draw; so all of its tracks count.
Without a synth source there is no truth and every measure is `None`.

Shape suffixes: T tracks, D features, G genres.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, rankdata, spearmanr

from padstal.curation.captions.refine import Decision
from padstal.evaluation.caption_effect import clustered_mean

REJECTED = (Decision.REPLACED, Decision.UNCONDITIONAL)
"""Decisions that throw an original caption away because it does not fit the music."""
LEFT = (Decision.FUSED, Decision.KEPT, Decision.KEPT_UNFIT)
"""Decisions after which the original caption is in the refined one."""
THRESHOLD_SHARES = (0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
"""Shares of originals that fall at or below the thresholds tried."""


def against_chance(value: float, chance: float, n: int) -> dict[str, float | int]:
    """A share beside what guessing would reach."""
    return {"value": value, "chance": chance, "times_chance": value / chance if chance else 0.0, "n": n}


def correlation(predicted: np.ndarray, true: np.ndarray) -> float | None:
    """Spearman's rank correlation; `None` with fewer than three pairs or where one side is constant."""
    if len(predicted) < 3 or np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return None
    return float(spearmanr(predicted, true).statistic)


def recall_at(audio_TD: np.ndarray, text_TD: np.ndarray, k: int = 10) -> dict[str, float | int] | None:
    """Text→audio R@k: share of true captions whose own track is among the k most similar.

    `None` with k or fewer tracks.
    A track that another's caption describes just as well counts as an equal rival: ties rank in the middle.
    """
    tracks = len(audio_TD)
    if tracks <= k:
        return None
    similarity_TT = text_TD.astype(np.float64) @ audio_TD.T.astype(np.float64)
    own_T1 = np.diag(similarity_TT)[:, None]
    better_T = (similarity_TT > own_T1).sum(axis=1) + 0.5 * ((similarity_TT == own_T1).sum(axis=1) - 1)
    return against_chance(float((better_T < k).mean()), k / tracks, tracks)


def accuracy(scores_TG: np.ndarray, genres: tuple[str, ...], true: list[str]) -> dict[str, float | int] | None:
    """Share of tracks whose highest score is at their true genre; chance is one over the number of genres.

    `None` without tracks, or where the scores are for other words than the true genres.
    """
    if not true or not set(true) <= set(genres):
        return None
    right = np.array(genres)[scores_TG.argmax(axis=1)] == np.array(true)
    return against_chance(float(right.mean()), 1 / len(genres), len(true))


@dataclass(frozen=True)
class Detection:
    """How well planted faults were found."""

    planted: int
    flagged: int
    hits: int
    false_alarms: int

    def as_json(self) -> dict[str, Any]:
        """Counts, precision and recall, with Wilson's intervals."""
        right = self.flagged - self.false_alarms
        return {
            "planted": self.planted,
            "flagged": self.flagged,
            "precision": right / self.flagged if self.flagged else None,
            "precision_interval": wilson(right, self.flagged),
            "recall": self.hits / self.planted if self.planted else None,
            "recall_interval": wilson(self.hits, self.planted),
        }


def wilson(hits: int, n: int) -> list[float] | None:
    """95 % interval of a share (Wilson 1927), which says something even where all of few are right; `None` of none."""
    if not n:
        return None
    found = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return [float(found.low), float(found.high)]


def proportion(hits: int, n: int) -> dict[str, Any]:
    """A share of things that count once each, with its interval."""
    return {"value": hits / n if n else None, "interval": wilson(hits, n), "n": n}


def separation(score: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the ROC curve of `score` for telling positives from the rest; `None` with only one kind."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    ranks = rankdata(score)
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def genre_named(captions: list[str], genres: tuple[str, ...]) -> list[str]:
    """The genre that each caption names as whole words ("" if none): the first one, of two at one place the longer."""
    longest_first = sorted(genres, key=lambda genre: (-len(genre), genre))
    pattern = re.compile(rf"\b({'|'.join(re.escape(genre) for genre in longest_first)})\b", re.IGNORECASE)
    as_written = {genre.casefold(): genre for genre in genres}
    found = [pattern.search(caption) for caption in captions]
    return [as_written[match[0].casefold()] if match else "" for match in found]


def caption_faults(captions: pd.DataFrame, genres: tuple[str, ...]) -> dict[str, object] | None:
    """Detection of wrong captions, and agreement of captions with the true genre before and after refinement.

    A wrong caption is detected if it is thrown away because it does not fit (`REJECTED`): precision and recall are the
    paper's ρ2 at work, `roc_area` is CLAP's share in it, whatever ρ2. Two more scores tell whether another rule would
    do better: how little original and generated caption agree, and by how much the generated one fits better. And
    `wrong_left` says what it comes to: wrong originals that are still in the refined caption, kept or fused (a wrong
    one differs from the generated one, which is why the table fuses it); `right_left` is that share of the others.

    Args:
        captions: One row a clip with a truth: `track_id`, `original`, `caption` (refined), `decision`, the three
            `similarity_…`, `caption_fault`, `genre` (true).
        genres: The words to look for.
    """
    written = captions[captions["original"] != ""]
    if written.empty:
        return None
    wrong = (written["caption_fault"] == "wrong").to_numpy()
    flagged = written["decision"].isin(REJECTED).to_numpy()
    hits = int((wrong & flagged).sum())
    found = Detection(int(wrong.sum()), int(flagged.sum()), hits, int((flagged & ~wrong).sum()))
    tracks = written["track_id"].to_numpy(dtype=object)
    fit = written["similarity_original_audio"].to_numpy(dtype=np.float64)
    better = written["similarity_generated_audio"].to_numpy(dtype=np.float64) - fit
    left = written["decision"].isin(LEFT).to_numpy()
    return {
        "wrong": {
            **found.as_json(),
            "precision_chance": float(wrong.mean()),
            "precision_interval": interval_of(wrong[flagged], tracks[flagged]),
            "recall_interval": interval_of(flagged[wrong], tracks[wrong]),
            "tracks": len(set(tracks[wrong])),
            "roc_area": _separation(-fit, wrong),
            "roc_area_of_disagreement": _separation(-written["similarity_original_generated"].to_numpy(float), wrong),
            "roc_area_of_better_generated": _separation(better, wrong),
        },
        "wrong_left": _share(left[wrong], tracks[wrong]),
        "right_left": _share(left[~wrong], tracks[~wrong]),
        "wrong_became": {
            str(name): float((written["decision"] == name)[wrong].mean())
            for name in Decision
            if (written["decision"] == name)[wrong].any()
        },
        "wrong_by_threshold": _by_threshold(fit, wrong),
        "genre_before": agreement(captions["original"].tolist(), captions["genre"].tolist(), genres),
        "genre_after": agreement(captions["caption"].tolist(), captions["genre"].tolist(), genres),
    }


def _share(yes: np.ndarray, tracks: np.ndarray) -> dict[str, object]:
    value = float(yes.mean()) if len(yes) else None
    return {"value": value, "interval": interval_of(yes, tracks), "n": len(yes)}


def interval_of(yes: np.ndarray, tracks: np.ndarray) -> list[float] | None:
    """Interval of a share over draws of whole tracks."""
    found = clustered_mean(yes.astype(np.float64), tracks)
    return [max(0.0, found.interval[0]), min(1.0, found.interval[1])] if found and found.interval else None


def _separation(score: np.ndarray, positive: np.ndarray) -> float | None:
    heard = np.isfinite(score)
    return separation(score[heard], positive[heard])


def _by_threshold(fit: np.ndarray, wrong: np.ndarray) -> list[dict[str, float]]:
    """Precision and recall if originals were rejected at or below each of ten shares of the similarities."""
    heard = np.isfinite(fit)
    fit, wrong = fit[heard], wrong[heard]
    if not wrong.any():
        return []
    rows = []
    for threshold in np.unique(np.quantile(fit, THRESHOLD_SHARES, method="lower")):
        flagged = fit <= threshold
        hits = int((flagged & wrong).sum())
        precision, recall = hits / int(flagged.sum()), hits / int(wrong.sum())
        rows.append({"rho2": float(threshold), "precision": precision, "recall": recall})
    return rows


def agreement(texts: list[str], true: list[str], genres: tuple[str, ...]) -> dict[str, float | int | None]:
    """How often texts name a genre, and the true one."""
    named = genre_named(texts, genres)
    naming = [(ours, theirs) for ours, theirs in zip(named, true, strict=True) if ours]
    right = sum(ours == theirs for ours, theirs in naming)
    return {
        "right_of_naming": right / len(naming) if naming else None,
        "naming": len(naming) / len(texts) if texts else None,
        "right_of_all": right / len(texts) if texts else None,
        "n": len(texts),
    }


def duplicates(truth: pd.DataFrame, kind: str, flagged: set[str], together: list[set[str]] | None = None) -> Detection:
    """Detection of planted duplicates of one kind.

    Args:
        truth: `path`, `duplicate_of`, `duplicate_kind` of all files. kind: "exact" or "near". flagged: Paths that the
        pipeline took out as duplicates. Of a pair either file may go, so either is a hit; what was
            flagged and belongs to no planted pair of any kind is a false alarm.
        together: Sets of paths that the pipeline put into one group of duplicates; a pair in one of them is a hit too.
    """
    pairs = truth.loc[truth["duplicate_kind"] == kind, ["path", "duplicate_of"]]
    members = set(truth.loc[truth["duplicate_of"] != "", ["path", "duplicate_of"]].to_numpy().ravel())
    groups = together or []
    hits = sum(
        path in flagged or original in flagged or any({path, original} <= group for group in groups)
        for path, original in pairs.itertuples(index=False)
    )
    return Detection(len(pairs), len(flagged), int(hits), len(flagged - members))
