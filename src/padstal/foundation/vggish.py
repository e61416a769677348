"""VGGish (Hershey et al. 2017): 128 features of every 0.96 s, mono at 16 kHz; FAD (Kilgour et al. 2019) is taken of it.

Layers have the names of torchvggish's `vggish-10086976.pth`. As in frechet_audio_distance and audioldm_eval, features
are those before the last activation, and neither PCA nor quantisation follows.

Shape suffixes: B batch, S samples, F mel bands, N frames, W windows, C channels, D features.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from padstal.foundation.logmel import kaldi_filterbank

SAMPLE_RATE = 16_000
READS_CHANNELS = False
BANDS, WINDOW, FFT, HOP = 64, 400, 512, 160
LOW, HIGH = 125.0, 7_500.0
FLOOR = 0.01
FRAMES = 96
"""Of a window; windows do not overlap."""
CONVOLUTIONS = (0, 3, 6, 8, 11, 13)
"""Where they stand among `features`; the others are their activations, and poolings after 0, 3, 8 and 13."""
POOLED = (0, 3, 8, 13)
LEFT_BEHIND = ("pproc.",)


class VGGish(nn.Module):
    """Audio [B, 1, S] → features [B, W, D]; `channels` are those of the convolutions, `hidden` those of the head."""

    window_S: Tensor
    filters_FK: Tensor

    def __init__(self, channels: tuple[int, ...], hidden: tuple[int, int], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, inputs, outputs in zip(CONVOLUTIONS, (1, *channels), channels, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if place in POOLED else []
        self.features = nn.Sequential(*layers)
        shrunk = 2 ** len(POOLED)
        flat = channels[-1] * (FRAMES // shrunk) * (BANDS // shrunk)
        first, second = hidden
        self.embeddings = nn.Sequential(
            nn.Linear(flat, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, width)
        )
        self.register_buffer("window_S", torch.hann_window(WINDOW), persistent=False)
        filters_FK = kaldi_filterbank(SAMPLE_RATE, FFT, BANDS, LOW, HIGH)
        self.register_buffer("filters_FK", filters_FK, persistent=False)

    @property
    def least_samples(self) -> int:
        """Samples of the first window."""
        return (FRAMES - 1) * HOP + WINDOW

    def forward(self, audio_B1S: Tensor) -> Tensor:
        frames_BNS = audio_B1S[:, 0].unfold(1, WINDOW, HOP) * self.window_S
        size_BNK = torch.fft.rfft(frames_BNS, FFT).abs()
        mel_BNF = (size_BNK @ self.filters_FK.T + FLOOR).log()
        windows = mel_BNF.shape[1] // FRAMES
        x_MNF = mel_BNF[:, : windows * FRAMES].reshape(-1, FRAMES, BANDS)
        x_MCNF = self.features(x_MNF[:, None])
        features_MD: Tensor = self.embeddings(x_MCNF.permute(0, 2, 3, 1).flatten(1))  # channels last, as in TensorFlow
        return features_MD.unflatten(0, (-1, windows))


def arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Those of `VGGish`, read off a checkpoint's tensors."""
    return {
        "channels": tuple(len(tensors[f"features.{place}.weight"]) for place in CONVOLUTIONS),
        "hidden": (len(tensors["embeddings.0.weight"]), len(tensors["embeddings.2.weight"])),
        "width": len(tensors["embeddings.4.weight"]),
    }


NETWORK = VGGish
