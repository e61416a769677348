"""Whether data are distributed as a reference was: a profile of each feature, and the distance between two profiles.

A profile is small (shares of categories, 101 quantiles of a number, mean and covariance of embeddings in 16 random
directions), so that git keeps the reference and nothing of the old data is needed. Distances, none of them with a unit:

    (1)  categories p, q:     JS(p, q) = H((p + q)/2) − (H(p) + H(q))/2, in bits, 0 to 1
    (2)  numbers P, Q:        W(P, Q) = ∫₀¹ |P⁻¹(u) − Q⁻¹(u)| du / σ_P
    (3)  embeddings:          F(P, Q) = (‖μ_P − μ_Q‖² + tr(Σ_P + Σ_Q − 2 (Σ_P Σ_Q)^½)) / tr Σ_P

JS is Lin's (1991), F Dowson and Landau's (1982) Fréchet distance of Gaussians. Tracks are independent of one another,
clips of a track are not: every track weighs 1, spread over its clips.

A feature has drifted if its distance exceeds its limit: the threshold of params, or what two samples of the reference's
own distribution, as large as the two at hand, exceed only with the probability `false_alarm`, whichever is larger.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.curation.expectations.config import DriftLimits
from padstal.curation.expectations.expectation import KINDS, Expectation, Severity
from padstal.curation.tags import tags_of

CATEGORICAL = ("licence", "source", "tags", "split", "decision", "quality_level", "prefix")
NUMERIC = ("loudness_lufs", "bandwidth_hz", "clipped_share", "track_seconds", "caption_bytes", "pmos")
"""Not `log_likelihood`: its Gaussian is fitted to the data set itself, and moves with the number of tracks alone."""
EMBEDDING = "clap_embedding"
CATEGORIES = 200
"""Most categories of a feature that a profile names; the rest are "other"."""
OTHER = "(other)"
LEVELS_K = (np.arange(101) + 0.5) / 101
"""u of the quantiles that a profile keeps."""
LEAST_SPREAD = 1e-3
DIRECTIONS = 16
"""Random directions that embeddings are projected on."""
DRAWS = 1_000
"""Pairs of samples that a limit is found with."""
MOST_DRAWN = 1_000
"""Largest sample that is drawn; noise of larger ones follows from its size."""


@dataclass(frozen=True)
class Shift:
    """How far a feature lies from its reference.

    Attributes:
        feature: Its name.
        distance: (1), (2) or (3).
        limit: Largest distance that is not drift.
        noise: What chance alone exceeds with the probability asked for; at most `limit`.
    """

    feature: str
    distance: float
    limit: float
    noise: float


def profile(clips: pd.DataFrame, gaussian: np.ndarray | None = None) -> dict[str, Any]:
    """The profile of a table of clips; features whose column it lacks are left out.

    Args:
        clips: Manifest or data set.
        gaussian: Mean and covariance [1 + D, D] of CLAP embeddings, one a training track.
    """
    tracks = int(clips["track_id"].nunique())
    features: dict[str, Any] = {}
    for name in CATEGORICAL:
        if name in clips:
            features[name] = {"kind": "categorical", "tracks": tracks, "share": _shares(clips, name)}
    texts = clips["caption"].map(lambda text: float(len(text.encode()))) if "caption" in clips else None
    numbers = clips if texts is None else clips.assign(caption_bytes=texts)
    for name in NUMERIC:
        if name in numbers:
            of_track_N = numbers[name].replace([np.inf, -np.inf], np.nan).groupby(numbers["track_id"]).mean().dropna()
            if len(of_track_N):
                quantiles_K = np.quantile(of_track_N.to_numpy(np.float64), LEVELS_K)
                features[name] = {"kind": "numeric", "tracks": len(of_track_N), "quantiles": quantiles_K.tolist()}
    if gaussian is not None:
        mean, covariance = project(gaussian)
        training = int(clips.loc[clips["split"] == "train", "track_id"].nunique())
        moments = {"mean": mean.tolist(), "covariance": covariance.tolist()}
        features[EMBEDDING] = {"kind": "embedding", "tracks": training, **moments}
    return {"tracks": tracks, "features": features}


def compare(reference: Mapping[str, Any], current: Mapping[str, Any], limits: DriftLimits) -> tuple[Shift, ...]:
    """How far each feature that both profiles have lies from the reference, sorted by name.

    Nothing is compared if the reference is empty, nor a feature of less than two tracks.
    """
    shifts = []
    for name, old in sorted(reference["features"].items()):
        new = current["features"].get(name)
        if new is None or new["kind"] != old["kind"] or min(old["tracks"], new["tracks"]) < 2:
            continue
        found = noise(name, old, old["tracks"], new["tracks"], limits.false_alarm)
        threshold = float(getattr(limits, old["kind"]))
        shifts.append(Shift(name, distance(old, new), max(threshold, found), found))
    return tuple(shifts)


def distance(reference: Mapping[str, Any], current: Mapping[str, Any]) -> float:
    """(1), (2) or (3) of two features of one kind."""
    if reference["kind"] == "categorical":
        p, q = _aligned(reference["share"], current["share"])
        return float(jensen_shannon(p, q))
    if reference["kind"] == "numeric":
        return wasserstein(np.array(reference["quantiles"]), np.array(current["quantiles"]))
    return frechet(
        np.array(reference["mean"]),
        np.array(reference["covariance"]),
        np.array(current["mean"]),
        np.array(current["covariance"]),
    )


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(1) of two vectors of shares [..., C]."""
    return np.clip(_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2, 0.0, 1.0)


def wasserstein(reference_K: np.ndarray, current_K: np.ndarray) -> float:
    """(2) of quantiles at `LEVELS_K`; a reference of less spread counts as spread by `LEAST_SPREAD` of its value."""
    return float(np.abs(reference_K - current_K).mean() / _spread(reference_K))


def frechet(mean_D: np.ndarray, covariance_DD: np.ndarray, other_D: np.ndarray, other_DD: np.ndarray) -> float:
    """(3); the first pair is the reference."""
    value, vector = np.linalg.eigh(covariance_DD)
    root_DD = (vector * np.sqrt(value.clip(min=0))) @ vector.T
    # tr (Σ_P Σ_Q)^½ = Σ √eigenvalues of the symmetric Σ_P^½ Σ_Q Σ_P^½
    cross = np.sqrt(np.linalg.eigvalsh(root_DD @ other_DD @ root_DD).clip(min=0)).sum()
    total = np.trace(covariance_DD)
    apart = ((mean_D - other_D) ** 2).sum() + total + np.trace(other_DD) - 2 * cross
    return float(max(apart, 0.0) / max(total, np.finfo(np.float64).tiny))


def noise(name: str, feature: Mapping[str, Any], n: int, m: int, false_alarm: float) -> float:
    """Distance of two samples of n and m tracks of the feature's own distribution, exceeded with `false_alarm`.

    Seeded by the feature's name: the same profiles give the same limit.
    """
    rng = np.random.default_rng(_seed(name))
    if feature["kind"] == "categorical":
        share = np.array(list(feature["share"].values()), dtype=np.float64)
        share = share / share.sum()
        p, q = rng.multinomial(n, share, DRAWS) / n, rng.multinomial(m, share, DRAWS) / m
        return float(np.quantile(jensen_shannon(p, q), 1 - false_alarm))
    if feature["kind"] == "numeric":
        return _numeric_noise(rng, np.array(feature["quantiles"]), n, m, false_alarm)
    return _embedding_noise(rng, np.array(feature["covariance"]), n, m, false_alarm)


def suite(shifts: Sequence[Shift], severity: Severity) -> tuple[Expectation, ...]:
    """An expectation a feature, over `table`."""
    return tuple(
        Expectation(
            f"{shift.feature} is distributed as in the reference",
            "drift",
            KINDS["value"],
            shift.feature,
            severity,
            {"max_value": shift.limit},
            advice="if the new data are meant to differ, accept them as reference with `padstal profile`",
        )
        for shift in shifts
    )


def table(shifts: Sequence[Shift]) -> pd.DataFrame:
    """One row: the distance of each feature."""
    return pd.DataFrame([{"id": "data set", **{shift.feature: shift.distance for shift in shifts}}])


def as_json(shifts: Sequence[Shift]) -> dict[str, Any]:
    """The shifts as `drift.json` has them."""
    return {shift.feature: {"distance": shift.distance, "limit": shift.limit, "noise": shift.noise} for shift in shifts}


def project(gaussian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [16] and covariance [16, 16] in `DIRECTIONS` fixed random directions of a Gaussian [1 + D, D]."""
    features = gaussian.shape[1]
    direction_KD = np.random.default_rng(_seed(EMBEDDING)).standard_normal((DIRECTIONS, features)) / np.sqrt(DIRECTIONS)
    return direction_KD @ gaussian[0], direction_KD @ gaussian[1:] @ direction_KD.T


def _shares(clips: pd.DataFrame, name: str) -> dict[str, float]:
    """Category → share, where a track weighs 1; the most common first."""
    weight = 1.0 / clips.groupby("track_id")["track_id"].transform("size")
    told = tags_of(clips[name]) if name == "tags" else clips[name]
    weight = (weight / told.groupby(level=0).size()).loc[told.index]
    total = weight.groupby(told.astype(str).to_numpy()).sum() / weight.sum()
    total = total.sort_index().sort_values(ascending=False, kind="stable")
    shares = {str(key): float(value) for key, value in total.head(CATEGORIES).items()}
    rest = float(total.iloc[CATEGORIES:].sum())
    return shares | {OTHER: rest} if rest else shares


def _aligned(p: Mapping[str, float], q: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    names = sorted({*p, *q})
    return np.array([p.get(name, 0.0) for name in names]), np.array([q.get(name, 0.0) for name in names])


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=-1)


def _spread(quantiles_K: np.ndarray) -> float:
    least = LEAST_SPREAD * float(np.abs(quantiles_K).max())
    return max(float(quantiles_K.std()), least, float(np.finfo(np.float32).tiny))


def _numeric_noise(rng: np.random.Generator, quantiles_K: np.ndarray, n: int, m: int, false_alarm: float) -> float:
    few_n, few_m = min(n, MOST_DRAWN), min(m, MOST_DRAWN)
    drawn = [
        np.quantile(np.interp(rng.random((DRAWS, k)), LEVELS_K, quantiles_K), LEVELS_K, axis=1) for k in (few_n, few_m)
    ]
    distances = np.abs(drawn[0] - drawn[1]).mean(axis=0) / _spread(quantiles_K)
    shrink = np.sqrt((1 / n + 1 / m) / (1 / few_n + 1 / few_m))
    return float(np.quantile(distances, 1 - false_alarm) * shrink)


def _embedding_noise(rng: np.random.Generator, covariance_DD: np.ndarray, n: int, m: int, false_alarm: float) -> float:
    few_n, few_m = min(n, MOST_DRAWN), min(m, MOST_DRAWN)
    value, vector = np.linalg.eigh(covariance_DD)
    root_DD = vector * np.sqrt(value.clip(min=0))
    distances = []
    for _ in range(DRAWS // 5):
        p, q = (rng.standard_normal((k, len(value))) @ root_DD.T for k in (few_n, few_m))
        distances.append(frechet(p.mean(0), np.cov(p.T, bias=True), q.mean(0), np.cov(q.T, bias=True)))
    shrink = (1 / n + 1 / m) / (1 / few_n + 1 / few_m)  # a squared distance
    # The covariance of few tracks is too narrow in some directions, and what is drawn from it varies too little there.
    widen = n / max(n - len(value), 1)
    return float(np.quantile(distances, 1 - false_alarm) * shrink * widen)


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
