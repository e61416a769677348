"""p-MOS: the quality that a model trained on listeners' scores predicts (QA-MDT 4.1)."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def of_prompts(judged: "Judged") -> np.ndarray:
    """Mean p-MOS [P] of each prompt's samples."""
    return judged.heard.pmos_N.astype(np.float64).mean(axis=1)
