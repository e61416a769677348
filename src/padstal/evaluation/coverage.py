"""Coverage: the share of held-out clips near which a sample lies (Naeem et al. 2020).

A reference clip is covered if a generated clip lies inside its ball, which reaches to its k-th neighbour among the
references. Unlike recall's, the balls are those of real clips, so samples that scatter off the manifold gain nothing.

Shape suffixes: N generated, M reference, D features, R draws.
"""

from typing import TYPE_CHECKING

import numpy as np

from padstal.evaluation.clap_score import flattened
from padstal.evaluation.recall import distances, radii

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def coverage_draws(generated_ND: np.ndarray, reference_MD: np.ndarray, present_RN: np.ndarray, k: int) -> np.ndarray:
    """Coverage [R] by subsets of the generated clips, which `present_RN` holds.

    Raises:
        ValueError: k is not smaller than the number of references.
    """
    radius_M = radii(distances(reference_MD, reference_MD), k)
    inside_NM = distances(generated_ND, reference_MD) < radius_M
    return np.array([inside_NM[present_N].any(axis=0).mean() for present_N in present_RN])


def of_set(judged: "Judged", weights_RP: np.ndarray) -> np.ndarray | None:
    """Coverage [R] by the samples of the prompts that a draw holds; `None` with too few references."""
    reference_MD = flattened(judged.reference.heard.clap_NWD)
    if len(reference_MD) <= judged.neighbours:
        return None
    present_RN = np.repeat(weights_RP > 0, judged.samples, axis=1)
    return coverage_draws(flattened(judged.clips.clap_NWD), reference_MD, present_RN, judged.neighbours)
