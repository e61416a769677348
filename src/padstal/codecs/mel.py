"""Log-mel spectrograms for measuring reconstructions (not for training).

Shape suffixes: N batch, S samples, M mel bands, K frames, F bins.
"""

import functools
import math

import torch

N_FFT, HOP, BANDS = 1024, 256, 64
SMALLEST_POWER = 1e-8


def log_mel(audio_NS: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """log₁₀ of the mel power spectrogram [N, M, K], floored at −80 dB."""
    window = torch.hann_window(N_FFT, device=audio_NS.device)
    spectrum = torch.stft(audio_NS.float(), N_FFT, HOP, window=window, return_complex=True) / (N_FFT / 4)
    power = filterbank(sample_rate).to(audio_NS.device) @ spectrum.abs().square()
    return power.clamp(min=SMALLEST_POWER).log10()


@functools.cache
def filterbank(sample_rate: int) -> torch.Tensor:
    """Triangular filters [M, F], equally spaced on the mel scale m = 2595 log₁₀(1 + f/700); each sums to 1."""
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, BANDS + 2) / 2595) - 1)
    bins = torch.linspace(0, sample_rate / 2, N_FFT // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = torch.minimum(rising, falling).clamp(min=0)
    empty = filters.sum(1) == 0  # a band narrower than a bin takes the nearest bin
    nearest = (bins - edges[1:-1, None]).abs().argmin(1)
    filters[empty, nearest[empty]] = 1.0
    return filters / filters.sum(1, keepdim=True)
