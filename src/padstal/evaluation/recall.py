"""Recall and precision of generated clips by k-nearest-neighbour manifolds (Kynkäänniemi et al. 2019; PADS-TAL 3).

A set's manifold is the union of balls around its clips, each reaching to its k-th neighbour (not counting itself),
open:

    recall    = share of reference clips inside the generated manifold
    precision = share of generated clips inside the reference manifold

mRecall (PADS-TAL): recall within a genre, window by window (window i of the references in the manifold of window i of
the generated), then the mean over windows and genres. k-NN recall grows with n, so methods are compared at equal n.

Shape suffixes: N generated, M reference, D features, W windows, R draws.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def distances(x_ND: np.ndarray, y_MD: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances [N, M], float64."""
    x_ND, y_MD = x_ND.astype(np.float64), y_MD.astype(np.float64)
    squared = (x_ND**2).sum(1)[:, None] + (y_MD**2).sum(1)[None] - 2 * x_ND @ y_MD.T
    return np.maximum(squared, 0.0)


def radii(own_NN: np.ndarray, k: int) -> np.ndarray:
    """Squared distance [N] of each clip to its k-th neighbour within its own set, itself excluded.

    Raises:
        ValueError: k is not smaller than the number of clips.
    """
    if not 1 <= k < len(own_NN):
        raise ValueError(f"k = {k} neighbours among {len(own_NN)} clips: expected 1 ≤ k < clips")
    others_NN = own_NN.copy()
    np.fill_diagonal(others_NN, np.inf)
    return np.partition(others_NN, k - 1, axis=1)[:, k - 1]


def coverage(manifold_ND: np.ndarray, points_MD: np.ndarray, k: int) -> float:
    """Share of points strictly inside the manifold."""
    inside_NM = distances(manifold_ND, points_MD) < radii(distances(manifold_ND, manifold_ND), k)[:, None]
    return float(inside_NM.any(axis=0).mean())


def recall(generated_ND: np.ndarray, reference_MD: np.ndarray, k: int) -> float:
    """Share of reference clips inside the generated manifold."""
    return coverage(generated_ND, reference_MD, k)


def precision(generated_ND: np.ndarray, reference_MD: np.ndarray, k: int) -> float:
    """Share of generated clips inside the reference manifold."""
    return coverage(reference_MD, generated_ND, k)


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
    own_NN = distances(generated_ND, generated_ND)
    np.fill_diagonal(own_NN, np.inf)
    to_reference_NM = distances(generated_ND, reference_MD)
    # all neighbours of each clip, nearest first; its radius in a subset is the k-th of them that is present
    order_NN = np.argsort(own_NN, axis=1, kind="stable")
    sorted_NN = np.take_along_axis(own_NN, order_NN, axis=1)
    out_R = np.full(len(present_RN), np.nan)
    step = max(1, at_once // (len(own_NN) * max(own_NN.shape[0], to_reference_NM.shape[1])))
    for start in range(0, len(present_RN), step):
        present_rN = present_RN[start : start + step]
        rank_rNN = present_rN[:, order_NN].cumsum(axis=2)
        kth_rN = (rank_rNN >= k).argmax(axis=2)
        radii_rN = np.where(present_rN, sorted_NN[np.arange(len(own_NN)), kth_rN], 0.0)
        inside_rM = (to_reference_NM < radii_rN[:, :, None]).any(axis=1)
        out_R[start : start + step] = np.where(present_rN.sum(axis=1) > k, inside_rM.mean(axis=1), np.nan)
    return out_R


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
