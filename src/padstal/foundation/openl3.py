"""OpenL3 (Cramer et al. 2019): features of every second, two a second, of each channel at 48 kHz; FD is taken of it.

The variant is the file's, `torchopenl3_mel256_music_512.pth.tar` or `…_env_512.pth.tar` as torchopenl3 publishes them;
layers have its names. As stable-audio-metrics does, channels are heard apart and laid side by side: [left, right].

    (1)  dB = 10·log10 max(√(M |STFT(x)|²), 10⁻¹⁰), less its highest of the window, no lower than −80

Shape suffixes: B batch, C audio channels, S samples, F mel bands, N frames, W windows, M = B·C·W, D features.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from padstal.foundation.logmel import mel_power

SAMPLE_RATE = 48_000
READS_CHANNELS = True
WINDOW, HOP = 2048, 242
HEARD, STEP = SAMPLE_RATE, SAMPLE_RATE // 2
FLOOR, RANGE_DECIBELS = 1e-10, 80.0
CONVOLUTIONS = (
    "conv2d_1",
    "conv2d_2",
    "conv2d_3",
    "conv2d_4",
    "conv2d_5",
    "conv2d_6",
    "conv2d_7",
    "audio_embedding_layer",
)
POOLED = (1, 3, 5)
"""Convolutions, counted from 0, after which bands and time are halved."""
EPSILON = 1e-3
"""Of batch norms, as in Keras."""
FILTERS = "speclayer.mel_basis"
LEFT_BEHIND = ("speclayer.dft_real_kernels", "speclayer.dft_imag_kernels")
"""The Fourier transform; the mel filters are the file's own."""


class OpenL3(nn.Module):
    """Audio [B, C, S] → features [B, W, C·D].

    Args:
        channels: Those of the convolutions; the last are the features.
        bands: F, mel filters.
    """

    window_S: Tensor

    def __init__(self, channels: tuple[int, ...], bands: int) -> None:
        super().__init__()
        self.speclayer = nn.Module()
        self.speclayer.register_buffer("mel_basis", torch.zeros(bands, WINDOW // 2 + 1))
        self.batch_normalization_1 = nn.BatchNorm2d(1, eps=EPSILON)
        for number, (name, inputs, outputs) in enumerate(zip(CONVOLUTIONS, (1, *channels), channels, strict=False), 2):
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1))
            if name != CONVOLUTIONS[-1]:
                self.add_module(f"batch_normalization_{number}", nn.BatchNorm2d(outputs, eps=EPSILON))
        self.register_buffer("window_S", torch.hann_window(WINDOW), persistent=False)

    @property
    def least_samples(self) -> int:
        """A shorter clip is followed by silence, so any will do."""
        return 1

    def forward(self, audio_BCS: Tensor) -> Tensor:
        batch, channels, samples = audio_BCS.shape
        lead = HEARD // 2  # the first window's middle is the first sample
        steps = -(-max(0, samples + lead - HEARD) // STEP)
        filled_BCS = functional.pad(audio_BCS, (lead, HEARD + steps * STEP - lead - samples))
        window_BCWS = filled_BCS.unfold(2, HEARD, STEP)
        features_MD = torch.cat([self.features(part_MS) for part_MS in window_BCWS.flatten(0, 2).split(32)])
        return features_MD.unflatten(0, (batch, channels, -1)).transpose(1, 2).flatten(2)

    def features(self, audio_MS: Tensor) -> Tensor:
        """Features [M, D] of windows of 1 s."""
        around = WINDOW - audio_MS.shape[1] % HOP
        audio_MS = functional.pad(audio_MS, (around // 2, around - around // 2))
        size_MFN = mel_power(audio_MS, self.window_S, HOP, self.speclayer.get_buffer("mel_basis"), centre=False).sqrt()
        decibels_MFN = 10.0 * size_MFN.clamp_min(FLOOR).log10()
        decibels_MFN = decibels_MFN - decibels_MFN.amax(dim=(1, 2), keepdim=True)
        x_MCFN = self.batch_normalization_1(decibels_MFN.clamp_min(-RANGE_DECIBELS)[:, None])  # (1)
        for number, name in enumerate(CONVOLUTIONS[:-1]):
            x_MCFN = self.get_submodule(f"batch_normalization_{number + 2}")(self.get_submodule(name)(x_MCFN)).relu()
            x_MCFN = functional.max_pool2d(x_MCFN, 2) if number in POOLED else x_MCFN
        features_MDFN: Tensor = self.get_submodule(CONVOLUTIONS[-1])(x_MCFN)
        return features_MDFN.amax(dim=(2, 3))


def arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Those of `OpenL3`, read off a checkpoint's tensors."""
    return {
        "channels": tuple(len(tensors[f"{name}.weight"]) for name in CONVOLUTIONS),
        "bands": len(tensors[FILTERS]),
    }


NETWORK = OpenL3
