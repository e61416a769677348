"""Activation checkpointing (Chen et al., 2016): of a unit its input alone is kept, and in the backward pass its forward
pass is made once more. It costs that pass, and changes no number.
"""

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Recomputed(nn.Module):
    """Base of units that draw nothing at random and change nothing but their output, so that they can run twice."""

    recomputed = False

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if self.recomputed and torch.is_grad_enabled():
            run = super().__call__
            return checkpoint(run, *arguments, use_reentrant=False, preserve_rng_state=False, **keywords)
        return super().__call__(*arguments, **keywords)


def recompute_units(module: nn.Module) -> None:
    """Let all units of a module be recomputed from now on."""
    for unit in module.modules():
        enable: Any = getattr(unit, "enable_gradient_checkpointing", None)  # of diffusers
        if isinstance(unit, Recomputed):
            unit.recomputed = True
        elif enable is not None:
            enable()
