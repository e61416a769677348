"""What the denoiser is told: text rows, seconds_start and seconds_total (Stable Audio Open).

Cross-attention reads [text rows 0..L−1 ; seconds_start ; seconds_total]; the two seconds rows together are also the
global conditioning. Text rows are multiplied by the tokenizer's mask, so padding rows are exactly 0, and no mask
hides them later. The null condition of classifier-free guidance is 0 on all cross rows; global conditioning is never
dropped.

Shape legend: B batch, L text positions, C features of a row, G = 2C global features.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from padstal.core.protocols import Conditioning, TextStates

SECONDS_LIMIT = 512.0
"""Durations are clamped to [0, 512] s."""


@dataclass(frozen=True)
class Timing:
    """Where a clip lies in its track.

    Attributes:
        start_B: Seconds from the track's start to the clip's, rounded down.
        total_B: Length of the track in seconds, rounded up.
    """

    start_B: torch.Tensor
    total_B: torch.Tensor

    @staticmethod
    def of(offset_seconds: "list[float]", track_seconds: "list[float]") -> "Timing":
        """Timing of clips: start = ⌊offset⌋, total = ⌈track⌉."""
        start = [math.floor(seconds) for seconds in offset_seconds]
        total = [math.ceil(seconds) for seconds in track_seconds]
        return Timing(torch.tensor(start, dtype=torch.float32), torch.tensor(total, dtype=torch.float32))

    def to(self, device: torch.device) -> "Timing":
        return Timing(self.start_B.to(device), self.total_B.to(device))


class Conditioner(nn.Module):
    """Text states and timing to `Conditioning`. The text encoder is frozen and lies outside; the timing is learned."""

    def __init__(self, width: int):
        super().__init__()
        self.width, self.global_width = width, 2 * width
        self.start = SecondsEmbedding(width)
        self.total = SecondsEmbedding(width)

    def forward(self, text: TextStates, timing: Timing) -> Conditioning:
        """Conditioning of a batch.

        Raises:
            ValueError: The text states are not as wide as the conditioner.
        """
        if text.states_BLD.shape[-1] != self.width:
            raise ValueError(f"text states of width {text.states_BLD.shape[-1]}: expected {self.width}")
        # (1) padding rows are exactly zero
        text_BLC = text.states_BLD * text.mask_BL.unsqueeze(-1)
        start_BC, total_BC = self.start(timing.start_B), self.total(timing.total_B)
        seconds_B2C = torch.stack([start_BC, total_BC], dim=1)
        others = {"seconds": seconds_B2C, "global": torch.cat([start_BC, total_BC], dim=-1)}
        return Conditioning(text_BLC, text.mask_BL, others)

    def branch(self, name: str, conditioning: Conditioning) -> Conditioning:
        """ "cond" as it is; "uncond" with 0 on text and seconds rows, and the global conditioning kept.

        Raises:
            ValueError: Another branch.
        """
        if name == "cond":
            return conditioning
        if name != "uncond":
            raise ValueError(f"branch {name!r}: this conditioner knows cond, uncond")
        others = {**conditioning.others, "seconds": torch.zeros_like(conditioning.others["seconds"])}
        return Conditioning(torch.zeros_like(conditioning.text_BLC), conditioning.mask_BL, others)


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
