"""How typical a track is: log-likelihood under a Gaussian of CLAP embeddings (DiscoDiff 4.1).

Unit-norm embeddings of few tracks make the sample covariance S near-singular, so it is shrunk towards a scaled
identity:

    Σ = (1 − λ) S + λ (tr S / D) I                                                 (1)

with Ledoit and Wolf's λ (A well-conditioned estimator for large-dimensional covariance matrices, 2004), and

    log p(x) = −½ (‖L⁻¹(x − μ)‖² + 2 Σᵢ log Lᵢᵢ + D log 2π),  Σ = L Lᵀ               (2)

Legend: N tracks, D embedding features.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular


class TooFewTracksError(ValueError):
    """A Gaussian of so few tracks would say nothing."""


@dataclass(frozen=True)
class Gaussian:
    """A fitted Gaussian, float64.

    Attributes:
        mean_D: μ.
        cholesky_DD: L, lower triangular.
        shrinkage: λ, 0 (sample covariance) to 1 (scaled identity).
    """

    mean_D: np.ndarray
    cholesky_DD: np.ndarray
    shrinkage: float

    @property
    def moments(self) -> np.ndarray:
        """Mean, and below it the covariance L Lᵀ: [1 + D, D]."""
        return np.vstack([self.mean_D, self.cholesky_DD @ self.cholesky_DD.T])

    def log_likelihood(self, x_ND: np.ndarray) -> np.ndarray:
        """log p(x) [N] in nats."""
        white_DN = solve_triangular(self.cholesky_DD, (np.asarray(x_ND, np.float64) - self.mean_D).T, lower=True)
        log_determinant = 2 * np.log(np.diag(self.cholesky_DD)).sum()
        return -0.5 * ((white_DN**2).sum(axis=0) + log_determinant + len(self.mean_D) * np.log(2 * np.pi))  # (2)


def ledoit_wolf(x_ND: np.ndarray) -> tuple[np.ndarray, float]:
    """Shrunk covariance [D, D] and λ of the rows of `x_ND`."""
    centred_ND = x_ND - x_ND.mean(axis=0)
    n, d = centred_ND.shape
    sample_DD = centred_ND.T @ centred_ND / n
    scale = float(np.trace(sample_DD)) / d
    # Distance of S to the scaled identity, and the part of it that is the noise of S itself.
    distance = float((sample_DD**2).sum()) - d * scale**2
    noise = (float(((centred_ND**2).sum(axis=1) ** 2).sum()) / n - float((sample_DD**2).sum())) / n
    shrinkage = float(np.clip(noise / distance, 0, 1)) if distance > 0 else 1.0
    return (1 - shrinkage) * sample_DD + shrinkage * scale * np.eye(d), shrinkage  # (1)


def fit(x_ND: np.ndarray, *, min_tracks: int) -> Gaussian:
    """Gaussian of the rows of `x_ND`, one row a track.

    Raises:
        TooFewTracksError: There are fewer than `min_tracks` rows.
        ValueError: A row is not finite, or all are equal.
    """
    x_ND = np.asarray(x_ND, dtype=np.float64)
    if len(x_ND) < max(min_tracks, 2):
        raise TooFewTracksError(
            f"{len(x_ND)} tracks: expected at least {max(min_tracks, 2)} to fit a Gaussian to their embeddings"
        )
    if not np.isfinite(x_ND).all():
        raise ValueError(f"{int((~np.isfinite(x_ND).all(axis=1)).sum())} of {len(x_ND)} embeddings are not finite")
    covariance_DD, shrinkage = ledoit_wolf(x_ND)
    if np.trace(covariance_DD) <= np.finfo(np.float64).eps * x_ND.shape[1]:
        raise ValueError(f"the embeddings of {len(x_ND)} tracks are all equal: expected them to differ")
    return Gaussian(x_ND.mean(axis=0), np.linalg.cholesky(covariance_DD), shrinkage)


def most_likely(log_likelihood_N: np.ndarray, share: float) -> np.ndarray:
    """True [N] at the ⌈share · N⌉ most likely rows; the earlier of two equals."""
    keep = int(np.ceil(round(share * len(log_likelihood_N), 9)))
    order = np.argsort(-log_likelihood_N, kind="stable")
    chosen_N = np.zeros(len(log_likelihood_N), dtype=bool)
    chosen_N[order[:keep]] = True
    return chosen_N


def track_embeddings(embedding_KD: np.ndarray, track_K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted track names [N], and for each the mean of its clips' embeddings brought back to unit norm [N, D]."""
    tracks_N, index_K = np.unique(track_K, return_inverse=True)
    total_ND = np.zeros((len(tracks_N), embedding_KD.shape[1]))
    np.add.at(total_ND, index_K, embedding_KD.astype(np.float64))
    return tracks_N, total_ND / np.maximum(np.linalg.norm(total_ND, axis=1, keepdims=True), 1e-12)
