"""Multi-resolution STFT loss (Yamamoto et al., 2020; Steinmetz & Reiss, 2020), as Stable Audio Open weighs it.

For magnitudes M (output) and N (target) of one resolution, with ‖·‖ the Frobenius norm over the whole batch:

    L = ‖N − M‖ / ‖N‖ + mean |log M − log N|                                                                      (1)

averaged over resolutions. Stereo is judged as sum and difference and as left and right, each pair at full weight:

    L_stereo = ½ (L(l + r) + L(l − r)) + ½ L(l) + ½ L(r)                                                          (2)

Shape suffixes: B batch, C audio channels, S samples, N = B·C, F bins, K frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

SMALLEST_POWER = 1e-8


@dataclass(frozen=True)
class Target:
    """Magnitudes of the target, taken once and compared with several outputs: one list a view of the audio, one tensor
    [N, F, K] a resolution."""

    views: list[list[torch.Tensor]]


class MultiResolutionStft(nn.Module):
    """(1) for mono, (2) for stereo; always computed in float32.

    Args:
        fft_sizes: Windows (Hann) of the resolutions, samples; the hop is a quarter.
        channels: Audio channels, 1 or 2.
        a_weighting: Weigh bins as the ear does (IEC 61672 A). Stable Audio Open filters the waveform instead.
        sample_rate: Hz; only A-weighting needs it.
    """

    def __init__(self, fft_sizes: Sequence[int], channels: int, *, a_weighting: bool, sample_rate: int):
        super().__init__()
        self.fft_sizes = tuple(fft_sizes)
        self.channels = channels
        for n_fft in self.fft_sizes:
            weight = a_weight(torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)) if a_weighting else torch.ones(1)
            self.register_buffer(f"window_{n_fft}", torch.hann_window(n_fft), persistent=False)
            self.register_buffer(f"weight_{n_fft}", (weight**2)[:, None], persistent=False)

    def target(self, audio_BCS: torch.Tensor) -> Target:
        """Magnitudes of `audio_BCS`, without gradient."""
        with torch.no_grad():
            return Target([self._magnitudes(view) for view in self._views(audio_BCS)])

    def forward(self, audio_BCS: torch.Tensor, target: Target) -> torch.Tensor:
        """The loss of `audio_BCS` against `target`."""
        views = self._views(audio_BCS)
        losses = [
            torch.stack(
                [_compare(ours, theirs) for ours, theirs in zip(self._magnitudes(view), kept, strict=True)]
            ).mean()
            for view, kept in zip(views, target.views, strict=True)
        ]
        if len(losses) == 1:
            return losses[0]
        added, subtracted, left, right = losses
        return 0.5 * (added + subtracted) + 0.5 * left + 0.5 * right  # (2)

    def _views(self, audio_BCS: torch.Tensor) -> list[torch.Tensor]:
        if audio_BCS.shape[1] != self.channels:
            raise ValueError(f"audio of {audio_BCS.shape[1]} channels, the loss was made for {self.channels}")
        left = audio_BCS[:, 0].float()
        if self.channels == 1:
            return [left]
        right = audio_BCS[:, 1].float()
        return [left + right, left - right, left, right]

    def _magnitudes(self, audio_NS: torch.Tensor) -> list[torch.Tensor]:
        with torch.autocast(audio_NS.device.type, enabled=False):
            return [self._magnitude(audio_NS, n_fft) for n_fft in self.fft_sizes]

    def _magnitude(self, audio_NS: torch.Tensor, n_fft: int) -> torch.Tensor:
        window, weight = getattr(self, f"window_{n_fft}"), getattr(self, f"weight_{n_fft}")
        spectrum = torch.stft(audio_NS, n_fft, n_fft // 4, window=window, return_complex=True)
        real, imaginary = spectrum.real, spectrum.imag
        power = real * real + imaginary * imaginary
        return (power * weight).clamp(min=SMALLEST_POWER).sqrt()


def _compare(ours_NFK: torch.Tensor, theirs_NFK: torch.Tensor) -> torch.Tensor:
    # (1)
    convergence = torch.linalg.vector_norm(theirs_NFK - ours_NFK) / torch.linalg.vector_norm(theirs_NFK)
    return convergence + (ours_NFK.log() - theirs_NFK.log()).abs().mean()


def a_weight(hertz_F: torch.Tensor) -> torch.Tensor:
    """The A-weighting of IEC 61672 as an amplitude factor, 1 at 1 kHz."""
    return _a_curve(hertz_F.double()).div(_a_curve(torch.tensor(1000.0, dtype=torch.float64))).float()


def _a_curve(f: torch.Tensor) -> torch.Tensor:
    f2 = f * f
    low, high = f2 + 20.598997**2, f2 + 12194.217**2
    middle = ((f2 + 107.65265**2) * (f2 + 737.86223**2)).sqrt()
    return 12194.217**2 * f2 * f2 / (low * middle * high)
