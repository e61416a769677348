"""How often each training clip is drawn: weights that even out groups of very different size.

A clip of a group of n training clips has the weight

    w ∝ n^(−power)                                                                  (1)

so that power 0 draws all clips alike, 1 all groups alike, and ½ lies between.
"""

import numpy as np
import pandas as pd

from padstal.curation.config import WeightsParams
from padstal.curation.tags import tags_of


def sample_weights(clips: pd.DataFrame, params: WeightsParams) -> np.ndarray:
    """Weights [clips], float64: (1) with mean 1 over the training clips, and 1 for held-out ones.

    Args:
        clips: `split`, `track_id`, and the column that `params.by` asks for.
        params: What makes a group, and the power. Each track of unknown artist is a group of its own; a clip of several
            tags has the mean of its tags' (1), and clips without tags are one group.
    """
    weight = np.ones(len(clips))
    training = (clips["split"] == "train").to_numpy()
    if params.by == "none" or not training.any():
        return weight
    rows = clips[training].reset_index(drop=True)
    groups = _groups(rows, params.by)
    share = groups.map(groups.value_counts()).astype(np.float64) ** -params.power
    of_clip = share.groupby(level=0).mean().to_numpy()
    weight[training] = of_clip / of_clip.mean()
    return weight


def effective_clips(weight_N: np.ndarray) -> float:
    """Kish's effective number of clips, (Σw)² / Σw²: their number where all weigh the same."""
    return float(weight_N.sum() ** 2 / (weight_N**2).sum()) if len(weight_N) else 0.0


def _groups(rows: pd.DataFrame, by: str) -> pd.Series:
    match by:
        case "artist":
            return rows["artist"].str.casefold().where(rows["artist"] != "", "track " + rows["track_id"])
        case "source":
            return rows["source"]
        case _:
            return tags_of(rows["tags"])
