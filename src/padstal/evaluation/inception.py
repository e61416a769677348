"""Inception score: exp(E_x KL(p(y|x) ‖ p(y))) of posteriors, PANNs' or the tagger's (Salimans et al. 2016).

1 where all clips get the same posterior; the number of classes where every clip is surely one of them, each equally
often.
"""

import numpy as np


def inception_score(posterior_BG: np.ndarray) -> float:
    """Inception score of posteriors whose rows sum to 1 (one split; with few clips it is biased upwards).

    Raises:
        ValueError: No clips.
    """
    if len(posterior_BG) == 0:
        raise ValueError("inception score of no clips: expected at least one")
    p_BG = posterior_BG.astype(np.float64)
    marginal_G = p_BG.mean(axis=0)
    ratio_BG = np.where(p_BG > 0, p_BG / np.where(marginal_G > 0, marginal_G, 1.0), 1.0)
    return float(np.exp(np.sum(p_BG * np.log(ratio_BG), axis=1).mean()))
