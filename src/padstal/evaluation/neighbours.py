"""Does a latent space keep genres together: precision@k of nearest neighbours (PADS-TAL's evidence for the TAL space).

A held-out clip's k nearest training clips of *other tracks*, by Euclidean distance between latents standardised per
dimension on the training clips; precision is the share of them that have its genre. Chance is that share among all
eligible clips.

Shape suffixes: Q queries, N candidates, D dimensions.
"""

from dataclasses import dataclass

import numpy as np

from padstal.evaluation.bootstrap import Interval, draw_counts, interval, mean_draws
from padstal.evaluation.distances import COLUMNS, nearest


@dataclass(frozen=True)
class Neighbourhood:
    """precision@k with its interval over queries, and what a random space would give."""

    precision: float
    interval: Interval | None
    chance: float
    queries: int


def pool(latent_NDT: np.ndarray, pooling: str) -> np.ndarray:
    """Latents as vectors: "mean" over frames [N, D], or "flat" [N, D·T] (TAL's z_p has no time axis to average over).

    Latents [N, D, T, F] keep their bands: [N, D·F] and [N, D·T·F].

    Raises:
        ValueError: Another pooling.
    """
    match pooling:
        case "mean":
            return latent_NDT.mean(axis=2, dtype=np.float64).reshape(len(latent_NDT), -1)
        case "flat":
            return latent_NDT.reshape(len(latent_NDT), -1)
        case _:
            raise ValueError(f"pooling = {pooling!r}: expected mean or flat")


def precision_at_k(
    queries_QD: np.ndarray,
    query_genre_Q: np.ndarray,
    query_track_Q: np.ndarray,
    candidates_ND: np.ndarray,
    genre_N: np.ndarray,
    track_N: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """precision@k [Q] and chance [Q] of each query; NaN for a query with fewer than k candidates of other tracks."""
    own, other = _numbered(query_track_Q, track_N)
    eligible_Q = len(track_N) - np.bincount(other, minlength=own.max() + 1)[own]
    enough_Q = eligible_Q >= k
    if not enough_Q.any():
        return np.full(len(own), np.nan), np.full(len(own), np.nan)
    parts = range(0, candidates_ND.shape[1], COLUMNS)
    std_D = np.concatenate([candidates_ND[:, at : at + COLUMNS].std(axis=0, dtype=np.float64) for at in parts])
    scale_D = np.where(std_D > 1e-8, std_D, 1.0)
    which_Qk, _ = nearest(queries_QD, candidates_ND, k, own, other, scale_D)
    precision_Q = (genre_N[which_Qk] == query_genre_Q[:, None]).mean(axis=1)
    wanted, there = _numbered(query_genre_Q, genre_N)
    genres = max(wanted.max(), there.max()) + 1
    of_both = np.bincount(other * genres + there, minlength=(own.max() + 1) * genres)
    same_Q = np.bincount(there, minlength=genres)[wanted] - of_both[own * genres + wanted]
    chance_Q = same_Q / np.maximum(eligible_Q, 1)
    return np.where(enough_Q, precision_Q, np.nan), np.where(enough_Q, chance_Q, np.nan)


def _numbered(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers from 0 for the names in both; equal names have equal numbers."""
    _, number = np.unique(np.concatenate([first, second]), return_inverse=True)
    return number[: len(first)], number[len(first) :]


def neighbourhood(
    precision_Q: np.ndarray,
    chance_Q: np.ndarray,
    track_Q: np.ndarray,
    draws: int,
    level: float,
    generator: np.random.Generator,
) -> Neighbourhood | None:
    """Mean over queries, with an interval by resampling their tracks, as clips of a track are alike."""
    usable_Q = np.isfinite(precision_Q)
    if not usable_Q.any():
        return None
    precision_Q, chance_Q = precision_Q[usable_Q], chance_Q[usable_Q]
    tracks, track_of_Q = np.unique(track_Q[usable_Q], return_inverse=True)
    counts_RQ = draw_counts(len(tracks), draws, generator)[:, track_of_Q]
    mean = float(precision_Q.mean())
    return Neighbourhood(
        mean,
        interval(mean_draws(precision_Q, counts_RQ), mean, level, (0.0, 1.0)),
        float(chance_Q.mean()),
        len(precision_Q),
    )
