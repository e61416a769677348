"""Exponential moving average of weights; what is sampled from is the average, not the last step (Polyak averaging)."""

import copy

import torch
from torch import nn


class Ema(nn.Module):
    """The average of a module's weights; call `update` after each optimiser step.

    `average` is a frozen copy of the module. Being a module itself, the average travels with a checkpoint.
    """

    def __init__(self, module: nn.Module, decay: float):
        """Start at the module's weights.

        Raises:
            ValueError: `decay` lies outside [0, 1).
        """
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay = {decay}: expected 0 ≤ decay < 1")
        self.decay = decay
        self.average = copy.deepcopy(module).eval().requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self.updates: torch.Tensor

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """θ̄ ← d θ̄ + (1 − d) θ with d = min(decay, (1 + n) / (10 + n)): early averages are short."""
        done = int(self.updates)
        decay = min(self.decay, (1 + done) / (10 + done))
        self.updates += 1
        average = [weight.data for weight in self.average.parameters()]
        torch._foreach_lerp_(average, [weight.data for weight in module.parameters()], 1 - decay)
