"""Statistics of a waveform in which clipping, dropouts and wow show, which a log-mel spectrogram blurs.

Clipping piles samples up at the peak; a dropout is a hole of milliseconds with steep edges; wow moves partials.

Shape suffixes: B batch, S samples, E blocks of the envelope, K Fourier bins, N frames, P peaks of a frame.
"""

import numpy as np
import torch
from torch import Tensor

LEVELS = (0.5, 0.9, 0.99, 0.999)
PLATEAUS = (0.8, 0.9, 0.97)
ENVELOPE = (0.0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.9)
FALLS_DECIBELS = (12.0, 24.0, 36.0)
SWINGS = (0.1, 0.2, 0.4, 0.6)
LAGS = (1, 2)
"""Frames over which a partial's movement is taken."""
PEAKS = 6
COUNT = len(LEVELS) + len(PLATEAUS) + len(ENVELOPE) + 2 * len(FALLS_DECIBELS) + len(SWINGS) * len(LAGS)
"""Statistics of a clip."""
BLOCK_SECONDS = 0.005
FRAME_SECONDS = 0.128
FRAME_HOP_SECONDS = 0.032
FLOOR_DECIBELS = -60.0
FAINT_NEPERS = 5.0
"""A peak this far (43 dB) below the strongest of its frame is no partial."""


def statistics(audio_BS: np.ndarray, sample_rate: int, *, chunk: int = 8) -> Tensor:
    """Statistics [B, COUNT] of mono audio, about unit range, unchanged by a gain; `chunk` clips at a time."""
    parts = [
        _statistics(torch.from_numpy(np.ascontiguousarray(audio_BS[at : at + chunk], dtype=np.float32)), sample_rate)
        for at in range(0, len(audio_BS), chunk)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, COUNT)


def _statistics(audio_BS: Tensor, sample_rate: int) -> Tensor:
    return torch.cat([_levels(audio_BS), _envelope(audio_BS, sample_rate), _swings(audio_BS, sample_rate)], dim=1)


def _levels(audio_BS: Tensor) -> Tensor:
    """Quantiles of |x| below the peak in 20 dB, and shares near the 99.9th percentile, of every fourth sample."""
    size_BS = audio_BS[:, ::4].abs().sort(dim=1).values
    samples = size_BS.shape[1]
    quantile_B4 = torch.stack([size_BS[:, min(samples - 1, int(level * samples))] for level in LEVELS], dim=1)
    peak_B1 = quantile_B4[:, -1:].clamp_min(1e-6)
    below_B4 = torch.log10((quantile_B4 / size_BS[:, -1:].clamp_min(1e-6)).clamp_min(1e-3))
    share_B3 = torch.stack([(size_BS > plateau * peak_B1).float().mean(dim=1) for plateau in PLATEAUS], dim=1)
    return torch.cat([below_B4, (share_B3 * 20).clamp(max=3.0)], dim=1)


def _envelope(audio_BS: Tensor, sample_rate: int) -> Tensor:
    """Quantiles of the energy of 5 ms blocks, and how many a second fall or rise steeply."""
    block = max(1, round(BLOCK_SECONDS * sample_rate))
    blocks = audio_BS.shape[1] // block
    power_BE = audio_BS[:, : blocks * block].reshape(len(audio_BS), blocks, block).square().mean(dim=2)
    mean_B1 = power_BE.mean(dim=1, keepdim=True).clamp_min(1e-9)
    decibels_BE = (10 * torch.log10((power_BE / mean_B1).clamp_min(1e-9))).clamp_min(FLOOR_DECIBELS)
    ordered_BE = decibels_BE.sort(dim=1).values
    quantiles = [ordered_BE[:, min(blocks - 1, int(level * blocks))] / 20 for level in ENVELOPE]
    step_BE = decibels_BE[:, 2:] - decibels_BE[:, :-2]
    rates = [(sign * step_BE > limit).float().mean(dim=1) * 20 for limit in FALLS_DECIBELS for sign in (-1, 1)]
    return torch.stack([*quantiles, *rates], dim=1)


def _swings(audio_BS: Tensor, sample_rate: int) -> Tensor:
    """Quantiles of how far (in 20 cents) the strongest partials move in a few frames."""
    window, hop = round(FRAME_SECONDS * sample_rate), round(FRAME_HOP_SECONDS * sample_rate)
    if audio_BS.shape[1] < window + (max(LAGS) + 1) * hop:
        return torch.zeros(len(audio_BS), len(SWINGS) * len(LAGS))
    hann = torch.hann_window(window)
    spectrum_BKN = torch.stft(audio_BS, window, hop, window=hann, center=False, return_complex=True)
    size_BKN = torch.log(spectrum_BKN.abs().clamp_min(1e-7))
    left, mid, right = size_BKN[:, :-2], size_BKN[:, 1:-1], size_BKN[:, 2:]
    peak_BKN = torch.where((mid > left) & (mid >= right), mid, torch.full_like(mid, -1e9))
    top_BPN = peak_BKN.topk(PEAKS, dim=1).indices
    a, b, c = (part.gather(1, top_BPN) for part in (left, mid, right))
    offset_BPN = (0.5 * (a - c) / (a - 2 * b + c).clamp(max=-1e-6)).clamp(-0.5, 0.5)  # vertex of the parabola
    cents_BPN = 1200 * torch.log2(top_BPN + 1 + offset_BPN)
    faint_BPN = b < b.amax(dim=1, keepdim=True) - FAINT_NEPERS
    found = []
    for lag in LAGS:
        now_BPN, then_BPN = cents_BPN[..., lag:], cents_BPN[..., :-lag]
        move_BPN = (now_BPN[:, :, None] - then_BPN[:, None]).abs().amin(dim=2)  # to the nearest partial then
        heard_BM = move_BPN.clamp(max=100).masked_fill(faint_BPN[..., lag:], torch.nan).flatten(1)
        found.append(torch.nanquantile(heard_BM, torch.tensor(SWINGS), dim=1).T.nan_to_num(0.0) / 20)
    return torch.cat(found, dim=1)
