"""Exponential moving average of weights (Polyak averaging): what is kept is the average, not the last step."""

import copy
from typing import TypeVar

import torch
from torch import nn

from padstal.training.sharding import own

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def average_of(module: ModuleT) -> ModuleT:
    """A frozen copy of `module` to be averaged into."""
    return copy.deepcopy(module).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    """θ̄ ← d θ̄ + (1 − d) θ with d = min(decay, (1 + step) / (10 + step)); call after the optimiser's step.

    Early averages are short, so that the first weights are soon forgotten.
    """
    d = min(decay, (1 + step) / (10 + step))
    kept, moved = ([own(weight.data) for weight in one.parameters()] for one in (average, module))
    torch._foreach_lerp_(kept, moved, 1 - d)
