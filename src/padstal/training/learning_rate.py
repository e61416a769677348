"""Learning-rate schedules: the rate of a step as a share of the peak, a function of the step alone."""

import math
from typing import Annotated, Literal, Protocol

from padstal.core.kinds import Kinds
from padstal.core.section import Section, value


class RateSchedule(Protocol):
    """How a learning rate rises and falls."""

    def factor(self, step: int, steps: int, start: int = 0) -> float:
        """Share of the peak at step `step` of `steps`, for a network that begins to learn at step `start`."""
        ...


class Cosine(Section):
    """A linear warm-up, then half a cosine down to `floor` at the last step."""

    kind: Literal["cosine"] = "cosine"
    warmup_steps: int = value("steps of the linear rise", "steps", ge=0)
    floor: float = value("share of the peak at the end", ge=0, lt=1)

    def factor(self, step: int, steps: int, start: int = 0) -> float:
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        share = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


class Inverse(Section):
    """InverseLR of Stable Audio Open: (1 + step/γ)^−½ (1 − w^(step+1)), w = 1 − 1/`warmup_steps`."""

    kind: Literal["inverse"] = "inverse"
    warmup_steps: int = value("time constant of the exponential rise", "steps", ge=0)
    scale_steps: float = value("γ: steps after which the rate is 1/√2 of its peak", "steps", gt=0)

    def factor(self, step: int, steps: int, start: int = 0) -> float:
        w = 1 - 1 / self.warmup_steps if self.warmup_steps else 0.0
        return float((1 + step / self.scale_steps) ** -0.5 * (1 - w ** (step + 1)))


class Constant(Section):
    """A linear warm-up from the step at which the network begins, and no fall.

    For a discriminator that joins late: at the foot of the cosine that everything else follows it would learn nothing.
    """

    kind: Literal["constant"] = "constant"
    warmup_steps: int = value("steps of the linear rise", "steps", ge=0)

    def factor(self, step: int, steps: int, start: int = 0) -> float:
        return min(1.0, (step - start + 1) / max(1, self.warmup_steps))


RATE_SCHEDULES = Kinds("rate schedule", Cosine, Inverse, Constant)
Rate = Annotated[RateSchedule, RATE_SCHEDULES]
"""A field of params that holds a schedule."""
