"""Near copies: whether samples lie nearer to the training music than music of other artists does (an alarm).

    d(x) = 1 − max_k cos(x, training clip k)                                                                        (1)
    near copy: d(x) < the 5 % quantile of d over held-out clips                                                     (2)

Held-out clips have 5 % of near copies by (2), so a share surely above that is a model that repeats what it learnt.
Diversity bought by such copies is none.

Shape suffixes: N generated, M held-out, K training, F features, P prompts, I samples of a prompt.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from padstal.evaluation.clap_score import flattened

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged, Reference

USUAL = 0.05
"""Share of held-out clips that are near copies by (2)."""
BLOCK = 1024
"""Clips whose cosines with all training clips are held at once."""


def nearest(clips_NF: np.ndarray, training_KF: np.ndarray) -> np.ndarray:
    """(1) of unit features, [N]."""
    blocks = [clips_NF[start : start + BLOCK] for start in range(0, len(clips_NF), BLOCK)]
    return 1 - np.concatenate([(block @ training_KF.T).max(axis=1) for block in blocks])


def of_prompts(judged: "Judged") -> np.ndarray | None:
    """Share [P] of each prompt's samples that are near copies; `None` where no training clip was heard."""
    reference = judged.reference
    if reference.training_KF is None:
        return None
    distance_N = nearest(flattened(judged.clips.clap_NWD), reference.training_KF)
    share_P: np.ndarray = (distance_N.reshape(judged.heard.pmos_N.shape) < _least_usual(reference)).mean(axis=1)
    return share_P


@lru_cache(maxsize=1)
def _least_usual(reference: "Reference") -> float:
    """The quantile of (2); the same for all settings."""
    assert reference.training_KF is not None
    return float(np.quantile(nearest(flattened(reference.heard.clap_NWD), reference.training_KF), USUAL))
