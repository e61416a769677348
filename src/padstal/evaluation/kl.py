"""KL(generated ‖ reference) of posteriors: PaSST's over AudioSet's classes, or the tagger's over genres (PADS-TAL 3).

Each generated clip is held against its prompt's own reference clip. As in stable-audio-metrics the reference
posterior gets a floor of 1e-6. There is no ½ and the sum runs over classes.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged

FLOOR = 1e-6


def kl(generated_BG: np.ndarray, reference_BG: np.ndarray) -> np.ndarray:
    """KL [B], in nats, of paired posteriors whose rows sum to 1.

    Raises:
        ValueError: Shapes differ (a reference is missing), or a row is no distribution.
    """
    if generated_BG.shape != reference_BG.shape:
        raise ValueError(f"kl: {generated_BG.shape} generated against {reference_BG.shape} reference posteriors")
    p_BG, q_BG = generated_BG.astype(np.float64), reference_BG.astype(np.float64)
    for name, rows in (("generated", p_BG), ("reference", q_BG)):
        if not np.allclose(rows.sum(axis=-1), 1, atol=1e-3) or (rows < 0).any():
            raise ValueError(
                f"kl: a {name} row is no distribution (sums {rows.sum(axis=-1).min()} to {rows.sum(axis=-1).max()})"
            )
    ratio_BG = np.log(np.maximum(p_BG, FLOOR)) - np.log(q_BG + FLOOR)
    return np.sum(p_BG * ratio_BG, axis=-1)


def of_prompts(judged: "Judged") -> np.ndarray | None:
    """Mean KL [P] of each prompt's samples to its own held-out clip; `None` where prompts have no clips."""
    if judged.prompts.reference_PG is None:
        return None
    reference_PIG = np.repeat(judged.prompts.reference_PG[:, None], judged.samples, axis=1)
    return kl(judged.heard.posterior("kl"), reference_PIG).mean(axis=1)
