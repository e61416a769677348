"""What caption refinement did to the CLAP score, per decision, with bootstrap intervals over tracks.

Clips of a track share caption and music, so whole tracks are drawn. The same CLAP chose between the captions, hence
"after" is flattered: a difference tells how much was changed, not that a listener would agree (`truth` asks that).

Shape suffixes: N clips, T tracks, R draws.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from padstal.evaluation.bootstrap import Interval, draw_counts, interval

DRAWS = 1000
LEVEL = 0.95
SEED = 0


@dataclass(frozen=True)
class Estimate:
    """A mean over clips and its interval over tracks; `interval` is `None` with too few tracks."""

    value: float
    interval: Interval | None
    n: int


@dataclass(frozen=True)
class Effect:
    """CLAP score of the captions of some clips; `None` where no clip has what it takes.

    Attributes:
        clips: How many there are.
        before: S(T_o, M), of clips with an original caption.
        after: S(T, M), of clips with a refined caption.
        difference: After − before, of clips with both.
    """

    clips: int
    before: Estimate | None
    after: Estimate | None
    difference: Estimate | None


def effects(captions: pd.DataFrame) -> dict[str, Effect]:
    """The effect of every decision, by its name, and of all together, by "all".

    Args:
        captions: One row a clip: `track_id`, `decision`, `similarity_original_audio`, `similarity_caption_audio`.
    """
    parts = {"all": captions, **{str(name): rows for name, rows in captions.groupby("decision", sort=True)}}
    return {name: _effect(rows) for name, rows in parts.items()}


def _effect(rows: pd.DataFrame) -> Effect:
    tracks_N = rows["track_id"].to_numpy(dtype=object)
    before_N = rows["similarity_original_audio"].to_numpy(dtype=np.float64)
    after_N = rows["similarity_caption_audio"].to_numpy(dtype=np.float64)
    return Effect(
        len(rows),
        clustered_mean(before_N, tracks_N),
        clustered_mean(after_N, tracks_N),
        clustered_mean(after_N - before_N, tracks_N),
    )


def clustered_mean(values_N: np.ndarray, tracks_N: np.ndarray) -> Estimate | None:
    """Mean of the finite values, with an interval from draws of whole tracks; `None` without any."""
    present_N = np.isfinite(values_N)
    if not present_N.any():
        return None
    values_N = values_N[present_N]
    _, track_N = np.unique(tracks_N[present_N], return_inverse=True)
    sum_T, clips_T = np.bincount(track_N, values_N), np.bincount(track_N)
    mean = float(values_N.mean())
    counts_RT = draw_counts(len(sum_T), DRAWS, np.random.default_rng(SEED))
    means_R = (counts_RT @ sum_T) / (counts_RT @ clips_T)
    around = interval(means_R, mean, LEVEL) if len(sum_T) > 1 else None
    return Estimate(mean, around, len(values_N))
