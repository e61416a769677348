"""All metrics of one setting (model × perturbation × strength × guidance), with their bootstrap draws over prompts.

Shape suffixes: P prompts, I samples of a prompt, N = P·I, W windows, D CLAP features, G genres, F tagger features, R
draws.
"""

from dataclasses import dataclass

import numpy as np

from padstal.evaluation.bootstrap import Interval, interval, mean_draws
from padstal.evaluation.clap_score import clap_score, flattened
from padstal.evaluation.frechet import frechet_draws, gaussian
from padstal.evaluation.hear import Heard
from padstal.evaluation.ibs import ibs
from padstal.evaluation.inception import inception_score
from padstal.evaluation.kl import kl
from padstal.evaluation.recall import genre_recall_draws
from padstal.evaluation.vendi import vendi_draws

METRICS = ("clap_f", "vendi", "vendi_within", "ibs", "mrecall", "kl", "fd", "pmos")
"""`vendi` is taken over one sample of each prompt (n = prompts) and averaged over the samples, as the paper does;
`vendi_within` over the samples of one prompt and averaged over prompts."""
LIMITS = {
    "clap_f": (-1.0, 1.0),
    "vendi": (1.0, np.inf),
    "vendi_within": (1.0, np.inf),
    "ibs": (-1.0, 1.0),
    "mrecall": (0.0, 1.0),
    "kl": (0.0, np.inf),
    "fd": (0.0, np.inf),
    "pmos": (1.0, 5.0),
}
"""What each metric can be at all."""


@dataclass(frozen=True)
class Prompts:
    """The P prompts of one role, and what is known of them.

    Attributes:
        text_PD: CLAP embeddings of the prompts.
        genre_P: Index of the genre that each prompt asks for.
        reference_PG: Tagger posterior of each prompt's own held-out clip.
    """

    text_PD: np.ndarray
    genre_P: np.ndarray
    reference_PG: np.ndarray


@dataclass(frozen=True)
class Reference:
    """Held-out clips as a set, with the genre that the tagger hears in each."""

    heard: Heard
    genre_M: np.ndarray


@dataclass(frozen=True)
class Measured:
    """Metrics of one setting.

    Attributes:
        values: Metric → value, `None` where it cannot be computed.
        draws: Metric → bootstrap draws [R].
        per_prompt: Metric → value of each prompt [P].
        clips: N.
        genres: Genres that mRecall averages over.
        inception: Inception score of all N clips.
        fd_is_singular: Too few clips for the Fréchet distance's covariance to have full rank.
    """

    values: dict[str, float | None]
    draws: dict[str, np.ndarray]
    per_prompt: dict[str, np.ndarray]
    clips: int
    genres: tuple[int, ...]
    inception: float
    fd_is_singular: bool

    def intervals(self, level: float) -> dict[str, Interval | None]:
        """Metric → interval at confidence `level`."""
        return {
            name: None if value is None else interval(self.draws[name], value, level, LIMITS[name])
            for name, value in self.values.items()
        }


def measure(
    heard: Heard, prompts: Prompts, reference: Reference, counts_RP: np.ndarray, set_draws: int, k: int
) -> Measured:
    """Metrics of the clips `heard`, whose arrays start with [P, I].

    Args:
        heard: Clips of P prompts, I each.
        prompts: Their prompts.
        reference: Held-out clips.
        counts_RP: Bootstrap draws of prompts.
        set_draws: The first so many draws are used for metrics of sets (Vendi, mRecall, FD), which cost more.
        k: Neighbours of recall.
    """
    prompts_count, samples = heard.pmos_N.shape
    unit_PIF = _flat(heard.clap_NWD)
    text_PID = np.repeat(prompts.text_PD[:, None], samples, axis=1)
    clap_PI = _each(clap_score, heard.clap_NWD, text_PID)
    kl_PI = kl(heard.genre_NG, np.repeat(prompts.reference_PG[:, None], samples, axis=1))
    per_prompt = {
        "clap_f": clap_PI.mean(axis=1),
        "kl": kl_PI.mean(axis=1),
        "pmos": heard.pmos_N.astype(np.float64).mean(axis=1),
    }
    if samples > 1:
        per_prompt["ibs"] = ibs(unit_PIF)
        per_prompt["vendi_within"] = np.array([vendi_draws(unit_IF, np.ones((1, samples)))[0] for unit_IF in unit_PIF])
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    draws: dict[str, np.ndarray] = {}
    for name, values_P in per_prompt.items():
        values[name] = float(values_P.mean())
        draws[name] = mean_draws(values_P, counts_RP)

    # the first row counts every prompt once: the estimate itself
    with_all_RP = np.vstack([np.ones((1, prompts_count), dtype=counts_RP.dtype), counts_RP[:set_draws]])
    vendi_R = np.mean([vendi_draws(unit_PIF[:, sample], with_all_RP) for sample in range(samples)], axis=0)
    recall_R, genres = genre_recall_draws(
        _by_clip(heard.clap_NWD),
        np.repeat(prompts.genre_P, samples),
        reference.heard.clap_NWD,
        reference.genre_M,
        np.repeat(with_all_RP > 0, samples, axis=1),
        k,
    )
    reference_gaussian = gaussian(reference.heard.features_NF)
    features_NF = _by_clip(heard.features_NF)
    fd_R = frechet_draws(reference_gaussian, features_NF, np.repeat(with_all_RP, samples, axis=1))
    for name, all_R in (("vendi", vendi_R), ("mrecall", recall_R), ("fd", fd_R)):
        if np.isfinite(all_R[0]):
            values[name] = float(all_R[0])
            draws[name] = all_R[1:]
    singular = reference_gaussian.is_singular or gaussian(features_NF).is_singular
    inception = inception_score(_by_clip(heard.genre_NG))
    return Measured(values, draws, per_prompt, prompts_count * samples, genres, inception, singular)


def _by_clip(array_PI: np.ndarray) -> np.ndarray:
    return array_PI.reshape(-1, *array_PI.shape[2:])


def _flat(clap_PIWD: np.ndarray) -> np.ndarray:
    return flattened(_by_clip(clap_PIWD)).reshape(*clap_PIWD.shape[:2], -1)


def _each(score, clap_PIWD: np.ndarray, text_PID: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    return score(_by_clip(clap_PIWD), _by_clip(text_PID)).reshape(clap_PIWD.shape[:2])
