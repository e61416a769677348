"""Vendi score: the effective number of different clips in a set (Friedman & Dieng 2023; PADS-TAL 3).

    VS = exp(−Σ λ_i log λ_i),   λ = eigenvalues of K / n,   K = X Xᵀ,  rows of X of unit norm          (1)

so 1 ≤ VS ≤ n. The n × n kernel and the D × D Gram matrix XᵀX share their eigenvalues; the smaller one is used. A set
with weights p (a bootstrap's counts / n) has the kernel √p_i K_ij √p_j. Scores of different n do not compare.

Shape suffixes: N clips, D features, R draws.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def vendi(features_ND: np.ndarray) -> float:
    """Vendi score of unit features [N, D], computed in float64.

    Raises:
        ValueError: No clips, or a row is not of unit norm.
    """
    if len(features_ND) == 0:
        raise ValueError("vendi of no clips: expected at least one")
    norms_N = np.linalg.norm(features_ND.astype(np.float64), axis=1)
    if np.abs(norms_N - 1).max() > 1e-3:
        raise ValueError(f"vendi: row {int(np.abs(norms_N - 1).argmax())} has norm {norms_N.max():.4f}, expected 1")
    return float(vendi_draws(features_ND, np.ones((1, len(features_ND))))[0])


def vendi_draws(features_ND: np.ndarray, weights_RN: np.ndarray, at_once: int = 2**24) -> np.ndarray:
    """Vendi scores [R] of the weighted sets `weights_RN` (non-negative, not all zero in a row).

    Args:
        features_ND: Unit features.
        weights_RN: How often each clip occurs in each draw.
        at_once: Matrix entries held at once.
    """
    x_ND = features_ND.astype(np.float64)
    p_RN = weights_RN / weights_RN.sum(axis=1, keepdims=True)
    clips, width = x_ND.shape
    edge = min(clips, width)
    kernel_NN = x_ND @ x_ND.T if clips <= width else None
    scores = []
    step = max(1, at_once // edge**2)
    for start in range(0, len(p_RN), step):
        p_rN = p_RN[start : start + step]
        if kernel_NN is not None:
            root_rN = np.sqrt(p_rN)
            matrix = root_rN[:, :, None] * kernel_NN * root_rN[:, None, :]
        else:
            matrix = np.stack([(x_ND * p_N[:, None]).T @ x_ND for p_N in p_rN])
        scores.append(_exp_entropy(np.linalg.eigvalsh(matrix)))
    return np.concatenate(scores)


def across_prompts(judged: "Judged", weights_RP: np.ndarray) -> np.ndarray:
    """Vendi score [R] over one sample of each prompt (n = prompts), averaged over the samples, as the paper does."""
    return np.mean([vendi_draws(judged.unit_PIF[:, sample], weights_RP) for sample in range(judged.samples)], axis=0)


def of_prompts(judged: "Judged") -> np.ndarray | None:
    """Vendi score [P] over the samples of one prompt; `None` for one sample a prompt."""
    if judged.samples < 2:
        return None
    once = np.ones((1, judged.samples))
    return np.array([vendi_draws(unit_IF, once)[0] for unit_IF in judged.unit_PIF])


def _exp_entropy(eigenvalues: np.ndarray) -> np.ndarray:
    # (1); eigenvalues of rounding error may be negative
    positive = np.clip(eigenvalues, 0.0, None)
    positive = positive / positive.sum(axis=-1, keepdims=True)
    return np.exp(-np.sum(positive * np.log(np.where(positive > 0, positive, 1.0)), axis=-1))
