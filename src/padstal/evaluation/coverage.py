"""Coverage: the share of held-out clips near which a sample lies (Naeem et al. 2020).

A reference clip is covered if a generated clip lies inside its ball, which reaches to its k-th neighbour among the
references. Unlike recall's, the balls are those of real clips, so samples that scatter off the manifold gain nothing.

Shape suffixes: N generated, M reference, D features, R draws, P pairs.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from padstal.evaluation.clap_score import flattened
from padstal.evaluation.distances import nearest, within

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged, Reference


@dataclass(frozen=True)
class Balls:
    """Reference clips, and the squared radius of each one's ball [M]."""

    reference_MD: np.ndarray
    radius_M: np.ndarray

    @classmethod
    def around(cls, reference_MD: np.ndarray, k: int) -> "Balls":
        """Balls that reach to the k-th of the other references, of more than k."""
        own_M = np.arange(len(reference_MD))
        return cls(reference_MD, nearest(reference_MD, reference_MD, k, own_M, own_M)[1][:, -1])


def coverage_draws(generated_ND: np.ndarray, balls: Balls, present_RN: np.ndarray) -> np.ndarray:
    """Coverage [R] by subsets of the generated clips, which `present_RN` holds."""
    ball_P, clip_P, far_P = within(balls.reference_MD, generated_ND, balls.radius_M[:, None])
    inside_P = far_P < balls.radius_M[ball_P]
    ball_P, clip_P = ball_P[inside_P], clip_P[inside_P]
    count = len(balls.radius_M)
    return np.array([(np.bincount(ball_P[own_N[clip_P]], minlength=count) > 0).mean() for own_N in present_RN])


def of_set(judged: "Judged", weights_RP: np.ndarray) -> np.ndarray | None:
    """Coverage [R] by the samples of the prompts that a draw holds; `None` with too few references."""
    if len(judged.reference.heard) <= judged.neighbours:
        return None
    present_RN = np.repeat(weights_RP > 0, judged.samples, axis=1)
    return coverage_draws(flattened(judged.clips.clap_NWD), _balls(judged.reference, judged.neighbours), present_RN)


@lru_cache(maxsize=1)
def _balls(reference: "Reference", k: int) -> Balls:
    """The same for all settings."""
    return Balls.around(flattened(reference.heard.clap_NWD), k)
