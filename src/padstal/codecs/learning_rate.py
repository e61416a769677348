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
            return self._rise(step)
        share = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

    def factor_of_late(self, step: int, steps: int, start: int) -> float:
        """Factor of a network that joins at step `start`: under "cosine" it rises from there and does not fall.

        At the foot of the cosine that everything else follows, a discriminator that starts late would learn nothing.
        """
        if self.schedule == "inverse":
            return self.factor(step, steps)
        return min(1.0, self._rise(step - start))

    def _rise(self, step: int) -> float:
        return (step + 1) / max(1, self.warmup_steps)
