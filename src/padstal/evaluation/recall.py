"""Recall of generated clips by k-nearest-neighbour manifolds (Kynkäänniemi et al. 2019; PADS-TAL 3).

A set's manifold is the union of balls around its clips, each reaching to its k-th neighbour (not counting itself),
open:

    recall = share of reference clips inside the generated manifold

mRecall (PADS-TAL): recall within a genre, window by window (window i of the references in the manifold of window i of
the generated), then the mean over windows and genres. k-NN recall grows with n, so methods are compared at equal n.

Shape suffixes: N generated, M reference, D features, W windows, R draws (r some of them), K neighbours, P pairs.
"""

from typing import TYPE_CHECKING

import numpy as np

from padstal.evaluation.distances import nearest, within

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged

FIRST_REACH = 6
"""How many times k neighbours of a clip are looked at first, where subsets lack some."""


def recall_draws(
    generated_ND: np.ndarray, reference_MD: np.ndarray, present_RN: np.ndarray, k: int, at_once: int = 2**22
) -> np.ndarray:
    """Recall [R] of subsets of the generated clips; NaN where a subset has no k-th neighbour.

    Args:
        generated_ND: All generated clips.
        reference_MD: Reference clips, the same for all subsets.
        present_RN: True where a clip is in the subset. A clip drawn twice is still one point of a manifold.
        k: Neighbours.
        at_once: Matrix entries held at once.
    """
    out_R = np.full(len(present_RN), np.nan)
    rows = np.flatnonzero(present_RN.sum(axis=1) > k)
    if not len(rows):
        return out_R
    radius_RN, radii_NO = _radii(generated_ND, present_RN[rows], k, at_once)
    clip_P, reference_P, far_P = within(generated_ND, reference_MD, radii_NO)
    step = max(1, at_once // max(1, len(clip_P)))
    for start in range(0, len(rows), step):
        radius_rN = radius_RN[start : start + step]
        draw, pair = np.nonzero(far_P < radius_rN[:, clip_P])
        inside_rM = np.zeros((len(radius_rN), len(reference_MD)), bool)
        inside_rM[draw, reference_P[pair]] = True
        out_R[rows[start : start + step]] = inside_rM.mean(axis=1)
    return out_R


def _radii(points_ND: np.ndarray, present_RN: np.ndarray, k: int, at_once: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance [R, N] of each clip to its k-th neighbour in each subset of more than k clips, 0 for a clip that
    is not in it; and the values that it takes [N, O], with some more.

    A subset holds most clips, so few neighbours of a clip tell: those asked for double until all subsets are served.
    """
    own_N = np.arange(len(points_ND))
    reach = k if present_RN.all() else min(FIRST_REACH * k, len(points_ND) - 1)
    while True:
        which_NK, far_NK = nearest(points_ND, points_ND, reach, own_N, own_N)
        radius_RN = np.zeros(present_RN.shape)
        step = max(1, at_once // which_NK.size)
        served = True
        for start in range(0, len(present_RN), step):
            present_rN = present_RN[start : start + step]
            rank_rNK = present_rN[:, which_NK].cumsum(axis=2, dtype=np.int32)
            kth_rN = (rank_rNK >= k).argmax(axis=2)
            radius_RN[start : start + step] = np.where(present_rN, far_NK[own_N, kth_rN], 0.0)
            served &= bool((rank_rNK[:, :, -1] >= k)[present_rN].all())
        if served:
            most_N1 = radius_RN.max(axis=0)[:, None]
            return radius_RN, np.minimum(far_NK[:, k - 1 :], most_N1)
        reach = min(2 * reach, len(points_ND) - 1)


def genre_recall_draws(
    generated_NWD: np.ndarray,
    generated_genre_N: np.ndarray,
    reference_MWD: np.ndarray,
    reference_genre_M: np.ndarray,
    present_RN: np.ndarray,
    k: int,
) -> np.ndarray:
    """mRecall [R] of subsets; NaN where no genre can be measured.

    `present_RN` of all True gives the estimate itself. In a draw, a genre that lost too many of its clips is left out
    of that draw's mean.
    """
    by_genre = []
    for genre in measured_genres(generated_genre_N, reference_genre_M, k):
        ours_N, theirs_M = generated_genre_N == genre, reference_genre_M == genre
        present_Rn = present_RN[:, ours_N]
        by_window = [
            recall_draws(generated_NWD[ours_N, window], reference_MWD[theirs_M, window], present_Rn, k)
            for window in range(generated_NWD.shape[1])
        ]
        by_genre.append(np.mean(by_window, axis=0))
    if not by_genre:
        return np.full(len(present_RN), np.nan)
    table_GR = np.stack(by_genre)
    computed_R = np.isfinite(table_GR).sum(axis=0)
    totals_R = np.nansum(table_GR, axis=0)
    return np.where(computed_R > 0, totals_R / np.maximum(computed_R, 1), np.nan)


def measured_genres(generated_genre_N: np.ndarray, reference_genre_M: np.ndarray, k: int) -> tuple[int, ...]:
    """Genres that mRecall averages over: those with more than k generated clips, and any reference clip."""
    genres, counts = np.unique(generated_genre_N, return_counts=True)
    return tuple(int(g) for g, n in zip(genres, counts, strict=True) if n > k and (reference_genre_M == g).any())


def of_set(judged: "Judged", weights_RP: np.ndarray) -> np.ndarray:
    """mRecall [R] of the samples of the prompts that a draw holds; their genres are those that the prompts ask for."""
    return genre_recall_draws(
        judged.clips.clap_NWD,
        judged.each_clip(judged.prompts.genre_P),
        judged.reference.heard.clap_NWD,
        judged.reference.genre_M,
        np.repeat(weights_RP > 0, judged.samples, axis=1),
        judged.neighbours,
    )


def genres_of(judged: "Judged") -> tuple[int, ...]:
    """The genres that `of_set` averages over."""
    return measured_genres(judged.each_clip(judged.prompts.genre_P), judged.reference.genre_M, judged.neighbours)
