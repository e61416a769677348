"""What the denoiser is told: text rows, seconds_start and seconds_total (Stable Audio Open).

Cross-attention reads [text rows 0..L−1 ; seconds_start ; seconds_total]; the two seconds rows together are also the
global conditioning. Text rows are multiplied by the tokenizer's mask, so padding rows are exactly 0, and no mask
hides them later. The null condition of classifier-free guidance is 0 on all cross rows; global conditioning is never
dropped.

Shape legend: B batch, L text positions, C features of a row, G = 2C global features.
"""

import math
from typing import Protocol

import torch
from torch import nn

from padstal.core.protocols import Attributes, Conditioning, TextStates

SECONDS_LIMIT = 512.0
"""Durations are clamped to [0, 512] s."""


class Conditioner(Protocol):
    """Text states and attributes to `Conditioning`; the text encoder is frozen and lies outside."""

    attributes: tuple[str, ...]
    """Those that it reads."""
    width: int
    """C, features of its text rows."""

    def __call__(self, text: TextStates, attributes: Attributes) -> Conditioning:
        """Conditioning of a batch.

        Raises:
            ValueError: The text states are not as wide as the conditioner.
        """
        ...

    def null(self, conditioning: Conditioning) -> Conditioning:
        """The same samples without their text."""
        ...


class TimingConditioner(nn.Module):
    """Text rows, seconds_start (rounded down) and seconds_total (rounded up); the timing is learned."""

    attributes = ("seconds_start", "seconds_total")

    def __init__(self, width: int):
        super().__init__()
        self.width, self.global_width = width, 2 * width
        self.start = SecondsEmbedding(width)
        self.total = SecondsEmbedding(width)

    def forward(self, text: TextStates, attributes: Attributes) -> Conditioning:
        # (1) padding rows are exactly zero
        text_BLC = masked_rows(text, self.width)
        start_BC = self.start(attributes["seconds_start"].floor())
        total_BC = self.total(attributes["seconds_total"].ceil())
        seconds_B2C = torch.stack([start_BC, total_BC], dim=1)
        others = {"seconds": seconds_B2C, "global": torch.cat([start_BC, total_BC], dim=-1)}
        return Conditioning(text_BLC, text.mask_BL, others)

    def null(self, conditioning: Conditioning) -> Conditioning:
        """0 on text and seconds rows; the global conditioning is kept."""
        others = {**conditioning.others, "seconds": torch.zeros_like(conditioning.others["seconds"])}
        return Conditioning(torch.zeros_like(conditioning.text_BLC), conditioning.mask_BL, others)


def masked_rows(text: TextStates, width: int) -> torch.Tensor:
    """Text rows [B, L, C], zero at padding.

    Raises:
        ValueError: They are not of `width` features.
    """
    if text.states_BLD.shape[-1] != width:
        raise ValueError(f"text states of width {text.states_BLD.shape[-1]}: expected {width}")
    return text.states_BLD * text.mask_BL.unsqueeze(-1)


class SecondsEmbedding(nn.Module):
    """A duration, clamped and scaled to [0, 1], as learned Fourier features and a linear layer."""

    def __init__(self, width: int, frequencies: int = 128):
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(frequencies))
        self.to_out = nn.Linear(2 * frequencies + 1, width)

    def forward(self, seconds_B: torch.Tensor) -> torch.Tensor:
        """[B, C] of [B]."""
        share_B1 = (seconds_B.clamp(0, SECONDS_LIMIT) / SECONDS_LIMIT).unsqueeze(-1)
        angle = 2 * math.pi * share_B1 * self.frequency
        return self.to_out(torch.cat([share_B1, angle.sin(), angle.cos()], dim=-1))
