"""A small residual convolutional network on log-mels, the body of the tagger and the p-MOS regressor.

Bands are halved twice and then folded into channels; the rest is one-dimensional over time.
Pooled over time by mean, standard deviation and maximum, as a fault of a quality scorer may last a moment only.

Shape suffixes: B batch, F mel bands, N frames, C channels, D features.
"""

import torch
from torch import Tensor, nn


class ConvNet(nn.Module):
    """Log-mel [B, F, N] → features [B, `features`].

    Args:
        bands: F.
        width: Channels over time; the two-dimensional stem has a quarter.
        depth: Residual blocks; every second one halves the time.
        features: D.
    """

    def __init__(self, bands: int, width: int, depth: int, features: int) -> None:
        super().__init__()
        stem = max(8, width // 8)
        self.normalise = nn.BatchNorm1d(bands)
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem, 3, stride=(2, 2), padding=1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
            nn.Conv2d(stem, stem, 3, stride=(2, 1), padding=1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
        )
        self.fold = nn.Conv1d(stem * ((bands + 3) // 4), width, 1, bias=False)
        self.blocks = nn.Sequential(*(Block(width, halve=number % 2 == 1) for number in range(depth)))
        self.head = nn.Sequential(nn.Linear(3 * width, features), nn.ReLU())

    def forward(self, mel_BFN: Tensor) -> Tensor:
        x_BFN = self.normalise(mel_BFN)
        x_BCFN = self.stem(x_BFN[:, None])
        x_BCN = self.blocks(self.fold(x_BCFN.flatten(1, 2))).float()
        pooled = [x_BCN.mean(dim=2), x_BCN.var(dim=2, unbiased=False).add(1e-6).sqrt(), x_BCN.amax(dim=2)]
        features_BD: Tensor = self.head(torch.cat(pooled, dim=1))
        return features_BD


class Block(nn.Module):
    """Two convolutions over time and a bridge past them; `halve` halves the frames at its end."""

    def __init__(self, width: int, halve: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm1d(width),
        )
        self.halve = nn.MaxPool1d(2, ceil_mode=True) if halve else nn.Identity()

    def forward(self, x_BCN: Tensor) -> Tensor:
        halved_BCN: Tensor = self.halve(torch.relu(x_BCN + self.body(x_BCN)))
        return halved_BCN
