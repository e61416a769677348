"""Learning-rate schedules of autoencoder training, as factors of the peak rate and functions of the step alone."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LearningRate:
    """How the rate rises and falls.

    Attributes:
        schedule: "inverse" is Stable Audio Open's InverseLR, (1 + step/γ)^−½ (1 − w^(step+1)); "cosine" rises linearly,
            then falls along half a cosine to a twentieth.
        warmup_steps: Of the linear rise, or the time constant 1 / (1 − w) of the exponential one.
        inverse_scale_steps: γ.
    """

    schedule: Literal["inverse", "cosine"]
    warmup_steps: int
    inverse_scale_steps: float

    def factor(self, step: int, steps: int) -> float:
        """Factor of step `step` of `steps`."""
        if self.schedule == "inverse":
            w = 1 - 1 / self.warmup_steps if self.warmup_steps else 0.0
            return float((1 + step / self.inverse_scale_steps) ** -0.5 * (1 - w ** (step + 1)))
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        share = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
