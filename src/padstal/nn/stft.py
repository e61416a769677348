"""The short-time Fourier transform with exactly S / hop frames, and its inverse ("same" padding, after Vocos,
Siuzdak, 2023).

Shape suffixes: N batch (any), S samples, F = n_fft/2 + 1 bins, K frames, H hop.
"""

import torch
from torch.nn import functional


def analyse(audio_NS: torch.Tensor, window_W: torch.Tensor, hop: int) -> torch.Tensor:
    """Complex spectrogram [N, K, F] with K = S / hop; frame k is centred on sample (k + ½)·hop."""
    margin = (len(window_W) - hop) // 2
    padded = functional.pad(audio_NS[:, None], (margin, margin), mode="reflect")[:, 0]
    return torch.fft.rfft(padded.unfold(-1, len(window_W), hop) * window_W)


def synthesise(spectrum_NKF: torch.Tensor, window_W: torch.Tensor, hop: int) -> torch.Tensor:
    """Audio [N, K·hop]: the least-squares inverse of `analyse`; the window's length is a multiple of the hop."""
    W = len(window_W)
    frames_NKW = torch.fft.irfft(spectrum_NKF, n=W) * window_W
    K = frames_NKW.shape[1]
    envelope = _overlap_add((window_W * window_W).expand(1, K, W), hop)
    audio = _overlap_add(frames_NKW, hop) / envelope.clamp(min=1e-6)
    margin = (W - hop) // 2
    return audio[:, margin : margin + K * hop]


def _overlap_add(frames_NKW: torch.Tensor, hop: int) -> torch.Tensor:
    N, K, W = frames_NKW.shape
    parts = W // hop
    chunks = frames_NKW.reshape(N, K, parts, hop)
    total = sum(functional.pad(chunks[:, :, part], (0, 0, part, parts - 1 - part)) for part in range(parts))
    assert isinstance(total, torch.Tensor)
    return total.reshape(N, (K + parts - 1) * hop)
