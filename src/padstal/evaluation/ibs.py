"""IBS, intra-batch similarity: mean CLAP cosine between different samples of one prompt (PADS-TAL 3).

Lower is more diverse.

Shape suffixes: P prompts, S samples of a prompt, D features.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def ibs(features_PSD: np.ndarray) -> np.ndarray:
    """IBS [P] of unit features.

    Raises:
        ValueError: Fewer than two samples a prompt.
    """
    samples = features_PSD.shape[1]
    if samples < 2:
        raise ValueError(f"ibs of {samples} sample a prompt: expected at least 2")
    x_PSD = features_PSD.astype(np.float64)
    # Σ_{i≠j} x_i·x_j = |Σ x_i|² − Σ |x_i|²
    whole_P = np.sum(x_PSD.sum(axis=1) ** 2, axis=-1)
    return (whole_P - np.sum(x_PSD**2, axis=(1, 2))) / (samples * (samples - 1))


def of_prompts(judged: "Judged") -> np.ndarray | None:
    """IBS [P]; `None` for one sample a prompt."""
    return ibs(judged.unit_PIF) if judged.samples > 1 else None
