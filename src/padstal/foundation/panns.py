"""PANNs' Cnn14 (Kong et al. 2020): AudioSet's 527 classes in mono at 32 kHz; the inception score is taken of it.

    (1)  p(y|x) = softmax of the logits, as audioldm_eval takes it; its own heads are independent sigmoids

Layers have the names of `Cnn14_mAP=0.431.pth`. It hears a clip whole.

Shape suffixes: B batch, S samples, F mel bands, N frames, C channels, K classes.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from padstal.foundation.logmel import mel_power, slaney_filterbank

SAMPLE_RATE = 32_000
READS_CHANNELS = False
BANDS, WINDOW, HOP = 64, 1024, 320
LOW, HIGH = 50.0, 14_000.0
FLOOR_POWER = 1e-10
HALVINGS = 5
"""All blocks but the last halve time and bands."""
LEFT_BEHIND = ("spectrogram_extractor.", "logmel_extractor.")
"""The Fourier transform and the mel filters, which are stored with the weights though nothing trained them."""


class ConvBlock(nn.Module):
    """Two convolutions with batch norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x_BCNF: Tensor) -> Tensor:
        x_BCNF = self.bn1(self.conv1(x_BCNF)).relu()
        return torch.relu(self.bn2(self.conv2(x_BCNF)))


class Cnn14(nn.Module):
    """Audio [B, 1, S] → posterior [B, 1, K]; `channels` are those of the blocks."""

    window_S: Tensor
    filters_FK: Tensor

    def __init__(self, channels: tuple[int, ...], embedding: int, classes: int) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(BANDS)
        for number, (inputs, outputs) in enumerate(zip((1, *channels), channels, strict=False), 1):
            self.add_module(f"conv_block{number}", ConvBlock(inputs, outputs))
        self.fc1 = nn.Linear(channels[-1], embedding)
        self.fc_audioset = nn.Linear(embedding, classes)
        self.register_buffer("window_S", torch.hann_window(WINDOW), persistent=False)
        filters_FK = slaney_filterbank(SAMPLE_RATE, WINDOW, BANDS, LOW, HIGH)
        self.register_buffer("filters_FK", filters_FK, persistent=False)

    @property
    def least_samples(self) -> int:
        """Samples of which the last block sees a frame."""
        return HOP * (2**HALVINGS - 1)

    def forward(self, audio_B1S: Tensor) -> Tensor:
        power_BFN = mel_power(audio_B1S[:, 0], self.window_S, HOP, self.filters_FK)
        decibels_BFN1 = 10.0 * power_BFN.clamp_min(FLOOR_POWER).log10()[..., None]
        x_BCNF = self.bn0(decibels_BFN1).permute(0, 3, 2, 1)
        blocks = [block for block in self.children() if isinstance(block, ConvBlock)]
        for block in blocks[:-1]:
            x_BCNF = functional.avg_pool2d(block(x_BCNF), 2)
        x_BCN = blocks[-1](x_BCNF).mean(dim=3)
        embedded_BC = self.fc1(x_BCN.amax(dim=2) + x_BCN.mean(dim=2)).relu()
        posterior_BK: Tensor = self.fc_audioset(embedded_BC).softmax(dim=1)  # (1)
        return posterior_BK[:, None]


def arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Those of `Cnn14`, read off a checkpoint's tensors."""
    return {
        "channels": tuple(len(tensors[f"conv_block{number}.conv2.weight"]) for number in range(1, HALVINGS + 2)),
        "embedding": len(tensors["fc1.weight"]),
        "classes": len(tensors["fc_audioset.weight"]),
    }


NETWORK = Cnn14
