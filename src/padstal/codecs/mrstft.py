"""Multi-resolution STFT loss (Yamamoto et al., 2020; Steinmetz & Reiss, 2020), as Stable Audio Open weighs it.

For magnitudes M (output) and N (target) of one resolution, with ‖·‖ the Frobenius norm over the whole batch:

    L = ‖N − M‖ / ‖N‖ + mean |log M − log N|                                                                      (1)

averaged over resolutions. Stereo is judged as sum and difference and as left and right, each pair at full weight:

    L_stereo = ½ (L(l + r) + L(l − r)) + ½ L(l) + ½ L(r)                                                          (2)

Shape suffixes: B batch, C audio channels, S samples, N = B·C, F bins, K frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from padstal.nn.recomputed import Recomputed

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
        self.channels = channels
        self.resolutions = nn.ModuleList(Resolution(n_fft, sample_rate if a_weighting else None) for n_fft in fft_sizes)

    def target(self, audio_BCS: torch.Tensor) -> Target:
        """Magnitudes of `audio_BCS`, without gradient."""
        with torch.no_grad():
            return Target(
                [[cast(Resolution, one).magnitude(view) for one in self.resolutions] for view in self._views(audio_BCS)]
            )

    def forward(self, audio_BCS: torch.Tensor, target: Target) -> torch.Tensor:
        """The loss of `audio_BCS` against `target`."""
        losses = [
            torch.stack([one(view, theirs) for one, theirs in zip(self.resolutions, kept, strict=True)]).mean()
            for view, kept in zip(self._views(audio_BCS), target.views, strict=True)
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


class Resolution(Recomputed):
    """(1) of one window: of audio [N, S] against magnitudes [N, F, K].

    Recomputed, it keeps the audio alone, where it would keep some six spectrograms.
    """

    window: torch.Tensor
    weight: torch.Tensor

    def __init__(self, n_fft: int, weighted_at: int | None):
        """A Hann window of `n_fft` samples; A-weighting for a sample rate, or None."""
        super().__init__()
        hertz = None if weighted_at is None else torch.linspace(0, weighted_at / 2, n_fft // 2 + 1)
        weight = torch.ones(1) if hertz is None else a_weight(hertz)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("weight", (weight**2)[:, None], persistent=False)

    def magnitude(self, audio_NS: torch.Tensor) -> torch.Tensor:
        """[N, F, K]."""
        n_fft = len(self.window)
        with torch.autocast(audio_NS.device.type, enabled=False):
            spectrum = torch.stft(audio_NS, n_fft, n_fft // 4, window=self.window, return_complex=True)
            real, imaginary = spectrum.real, spectrum.imag
            power = real * real + imaginary * imaginary
            return (power * self.weight).clamp(min=SMALLEST_POWER).sqrt()

    def forward(self, audio_NS: torch.Tensor, theirs_NFK: torch.Tensor) -> torch.Tensor:
        ours_NFK = self.magnitude(audio_NS)
        convergence = torch.linalg.vector_norm(theirs_NFK - ours_NFK) / torch.linalg.vector_norm(theirs_NFK)
        return convergence + (ours_NFK.log() - theirs_NFK.log()).abs().mean()  # (1)


def a_weight(hertz_F: torch.Tensor) -> torch.Tensor:
    """The A-weighting of IEC 61672 as an amplitude factor, 1 at 1 kHz."""
    unit = torch.tensor(1000.0, dtype=torch.float64, device=hertz_F.device)
    return _a_curve(hertz_F.double()).div(_a_curve(unit)).float()


def _a_curve(f: torch.Tensor) -> torch.Tensor:
    f2 = f * f
    low, high = f2 + 20.598997**2, f2 + 12194.217**2
    middle = ((f2 + 107.65265**2) * (f2 + 737.86223**2)).sqrt()
    return 12194.217**2 * f2 * f2 / (low * middle * high)
