"""Learning-rate schedules as factors of the peak rate: a function of the step alone."""

import math
from typing import Literal

LearningRateSchedule = Literal["inverse", "cosine"]


def inverse(step: int, *, scale_steps: float, warmup_decay: float) -> float:
    """InverseLR of Stable Audio Open: (1 + step/γ)^−½ (1 − w^(step+1)).

    Args:
        step: Optimiser steps done.
        scale_steps: γ, the steps after which the rate has fallen to 1/√2.
        warmup_decay: w; 0 is no warm-up, 0.99 some 500 steps.
    """
    return (1 + step / scale_steps) ** -0.5 * (1 - warmup_decay ** (step + 1))


def cosine(step: int, *, warmup_steps: int, total_steps: int) -> float:
    """Linear warm-up, then half a cosine down to 0 at `total_steps`."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    share = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
