"""QA-MDT's quality levels as vectors, between two of which a level may lie (QA-MDT 4.1)."""

import torch
from torch import nn

LEVELS = 5


class QualityEmbedding(nn.Embedding):
    """Levels 1 to 5; 0 is unknown, and has a vector of its own.

    They begin as N(0, 1), as large as the tokens beside them: of smaller ones a short training makes little.
    """

    def __init__(self, width: int):
        super().__init__(LEVELS + 1, width)

    def forward(self, level_B: torch.Tensor) -> torch.Tensor:
        """[B, W] of levels, interpolated."""
        below_B = level_B.floor()
        low_BW = super().forward(below_B.long())
        high_BW = super().forward((below_B + 1).clamp(max=LEVELS).long())
        return torch.lerp(low_BW, high_BW, (level_B - below_B).unsqueeze(-1).to(low_BW.dtype))
