"""A light vocoder from log-mel spectrograms to audio, for demo and study: ConvNeXt blocks at the rate of mel frames
predict magnitude and phase of an STFT (after Vocos, Siuzdak, 2023).

With ĝ the mel spectrogram spread over the bins of the STFT, the network only says how far magnitudes lie from it:

    X̂ = ĝ·exp(m)·(cos φ + i sin φ)                                                                                (1)

Shape suffixes: B batch, T frames, M mel bands, F bins, S = T·hop samples, D features.
"""

import torch
from torch import nn

from padstal.nn.spectral import ConvNeXtBlock
from padstal.nn.stft import synthesise
from padstal.nn.vocoder_mel import filters

LARGEST_CHANGE = 6.0
"""Nepers that a magnitude may lie from ĝ, so that an untrained head cannot overflow."""
LOUDEST = 5.0
"""Nepers of a band; audio in [−1, 1] stays below, a latent that nothing was encoded to need not."""


class MelVocoder(nn.Module):
    """Log-mels [B, T, M] (`vocoder_mel`) → audio [B, S].

    Args:
        sample_rate: Hz.
        bands: M.
        hop: Samples of a mel frame, and of a frame of the STFT.
        window: Samples of the STFT's window, a multiple of `hop`.
        width: D.
        depth: Blocks.
    """

    window_W: torch.Tensor
    spread_MF: torch.Tensor
    mean_M: torch.Tensor
    spread_M: torch.Tensor

    def __init__(self, *, sample_rate: int, bands: int, hop: int, window: int, width: int, depth: int):
        super().__init__()
        self.hop = hop
        self.register_buffer("window_W", torch.hann_window(window), persistent=False)
        self.register_buffer("spread_MF", spread(sample_rate, window, bands), persistent=False)
        self.register_buffer("mean_M", torch.zeros(bands))
        self.register_buffer("spread_M", torch.ones(bands))
        self.inlet = nn.Conv1d(bands, width, 7, padding=3)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(width, depth) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.outlet = nn.Linear(width, 2 * (window // 2 + 1))

    def forward(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        x_BMT = ((mel_BTM - self.mean_M) / self.spread_M).transpose(1, 2)
        x_BTD = self.blocks(self.inlet(x_BMT).transpose(1, 2))
        change_BTF, phase_BTF = self.outlet(self.norm(x_BTD)).float().chunk(2, dim=-1)
        start_BTF = mel_BTM.float().clamp(max=LOUDEST).exp() @ self.spread_MF
        magnitude_BTF = start_BTF * change_BTF.clamp(-LARGEST_CHANGE, LARGEST_CHANGE).exp()
        return synthesise(torch.polar(magnitude_BTF, phase_BTF), self.window_W, self.hop)  # (1)


def spread(sample_rate: int, window: int, bands: int) -> torch.Tensor:
    """From mel bands to bins [M, F]: each bin is the mean of the bands that hear it, weighed as they hear it."""
    filters_FM = filters(sample_rate, window, bands)
    area_M = filters_FM.sum(0).clamp(min=1e-6)
    shape_FM = filters_FM / filters_FM.amax(0).clamp(min=1e-6)
    weight_FM = shape_FM / shape_FM.sum(1, keepdim=True).clamp(min=1e-6)
    return (weight_FM / area_M).T.contiguous()
