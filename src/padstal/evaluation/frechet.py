"""Fréchet distance between Gaussians fitted to two sets of features (FAD, FD; Heusel et al. 2017).

    FD = |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½                                                    (1)

With Σ₁ = L Lᵀ the product Σ₁Σ₂ has the eigenvalues of the symmetric LᵀΣ₂L, so the trace is Σ √λ(LᵀΣ₂L) without any
matrix square root. L is the Cholesky factor, or from eigh where Σ₁ is singular, as it is with fewer clips than
features.

Shape suffixes: N clips, D features, R draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.hear import Heard
    from padstal.evaluation.judged import Judged, Reference


@dataclass(frozen=True)
class Gaussian:
    """Mean [D] and covariance [D, D] of `count` features, float64."""

    mean_D: np.ndarray
    covariance_DD: np.ndarray
    count: int


def gaussian(features_ND: np.ndarray) -> Gaussian:
    """The Gaussian (unbiased covariance) of features.

    Raises:
        ValueError: Fewer than two clips, or a feature is not finite.
    """
    x_ND = features_ND.astype(np.float64)
    if len(x_ND) < 2:
        raise ValueError(f"a covariance of {len(x_ND)} clips: expected at least 2")
    if not np.isfinite(x_ND).all():
        raise ValueError(f"feature of clip {int(np.argwhere(~np.isfinite(x_ND))[0, 0])} is not finite")
    mean_D = x_ND.mean(axis=0)
    centred_ND = x_ND - mean_D
    return Gaussian(mean_D, centred_ND.T @ centred_ND / (len(x_ND) - 1), len(x_ND))


def root(covariance_DD: np.ndarray) -> np.ndarray:
    """L [D, D] with L Lᵀ = Σ."""
    try:
        return np.linalg.cholesky(covariance_DD)
    except np.linalg.LinAlgError:
        values_D, vectors_DD = np.linalg.eigh(covariance_DD)
        return vectors_DD * np.sqrt(np.clip(values_D, 0.0, None))


def frechet(first: Gaussian, second: Gaussian, first_root_DD: np.ndarray | None = None) -> float:
    """Fréchet distance; `first_root_DD` is `root(first.covariance_DD)` where it is at hand.

    Raises:
        ValueError: The features have different widths.
    """
    if first.mean_D.shape != second.mean_D.shape:
        raise ValueError(f"frechet: {first.mean_D.shape[0]} against {second.mean_D.shape[0]} features")
    root_DD = root(first.covariance_DD) if first_root_DD is None else first_root_DD
    eigenvalues = np.linalg.eigvalsh(root_DD.T @ second.covariance_DD @ root_DD)
    # (1)
    shared = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    gap = np.sum((first.mean_D - second.mean_D) ** 2)
    distance = gap + np.trace(first.covariance_DD) + np.trace(second.covariance_DD) - 2 * shared
    return float(max(distance, 0.0))


def frechet_draws(
    reference: Gaussian, features_ND: np.ndarray, weights_RN: np.ndarray, at_once: int = 2**26
) -> np.ndarray:
    """Fréchet distances [R] between `reference` and the features counted as each draw says.

    Rows that stand together and count alike in every draw, such as the windows of a prompt's samples, are multiplied
    with one another once for as many draws as memory holds.

    Args:
        reference: The other side.
        features_ND: Features.
        weights_RN: How often each draw has each.
        at_once: Matrix entries held at once.
    """
    root_DD = root(reference.covariance_DD)
    return np.array([frechet(reference, one, root_DD) for one in _gaussians(features_ND, weights_RN, at_once)])


def _gaussians(features_ND: np.ndarray, weights_RN: np.ndarray, at_once: int) -> Iterator[Gaussian]:
    """The Gaussian of each draw, as `gaussian` gives it."""
    whole = gaussian(features_ND)
    starts = np.flatnonzero(np.r_[True, (np.diff(weights_RN, axis=1) != 0).any(axis=0)])
    weights_RG, counts_G = weights_RN[:, starts].astype(np.float64), np.diff(np.r_[starts, len(features_ND)])
    groups = np.split(features_ND, starts[1:])
    width = features_ND.shape[1]
    held = max(1, at_once // width**2 // 2)  # draws, and products of groups
    for first in range(0, len(weights_RG), held):
        some_RG = weights_RG[first : first + held]
        sums_RD, products_RX = np.zeros((len(some_RG), width)), np.zeros((len(some_RG), width**2))
        for at in range(0, len(groups), held):
            centred = [group_ND - whole.mean_D for group_ND in groups[at : at + held]]
            part_RG = some_RG[:, at : at + held]
            sums_RD += part_RG @ np.stack([group_ND.sum(axis=0) for group_ND in centred])
            products_RX += part_RG @ np.stack([(group_ND.T @ group_ND).ravel() for group_ND in centred])
        for total, sum_D, product_X in zip(some_RG @ counts_G, sums_RD, products_RX, strict=True):
            shift_D = sum_D / total
            covariance_DD = (product_X.reshape(width, width) - total * np.outer(shift_D, shift_D)) / (total - 1)
            yield Gaussian(whole.mean_D + shift_D, covariance_DD, round(total))


def of_set(judged: "Judged", weights_RP: np.ndarray, metric: str = "fd") -> np.ndarray:
    """Fréchet distance [R] between features of the samples and of held-out clips, windows of all clips pooled."""
    features_NWF = judged.clips.features(metric)
    weights_RN = np.repeat(weights_RP, judged.samples * features_NWF.shape[1], axis=1)
    return frechet_draws(_target(judged.reference, metric), pooled(judged.clips, metric), weights_RN)


def fad_of_set(judged: "Judged", weights_RP: np.ndarray) -> np.ndarray | None:
    """FAD [R]; `None` without an embedder of its own, as it would be `of_set` again."""
    return of_set(judged, weights_RP, "fad") if "fad" in judged.clips.own else None


def pooled(heard: "Heard", metric: str) -> np.ndarray:
    """Features [N·W, F] that a metric is taken of, all windows of all clips."""
    features_NWF = heard.features(metric)
    return features_NWF.reshape(-1, features_NWF.shape[-1])


@lru_cache(maxsize=2)
def _target(reference: "Reference", metric: str) -> Gaussian:
    """The same for all settings."""
    return gaussian(pooled(reference.heard, metric))


def is_singular(judged: "Judged") -> bool:
    """Whether either side has too few windows for a covariance of full rank."""
    (windows, width), real = pooled(judged.clips, "fd").shape, pooled(judged.reference.heard, "fd")
    return min(windows, len(real)) <= width
