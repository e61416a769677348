"""Log-mel spectrograms: what every small listener of this package sees, and parts of those that published ones see.

E[m, t] = 10·log10(max(Σ_f M[m, f]·|STFT(x)[f, t]|², 10⁻⁹)), brought to about unit range.

Shape suffixes: B batch, S samples, F mel bands, N spectrogram frames.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

FLOOR_POWER = 1e-9
CENTRE_DECIBELS = -30.0
SCALE_DECIBELS = 20.0


@dataclass(frozen=True)
class LogMel:
    """How audio becomes a spectrogram.

    Attributes:
        sample_rate: Hz of the audio.
        bands: F, mel bands between 0 Hz and half the sample rate.
        window: Samples of one Fourier window (Hann).
        hop: Samples between windows.
    """

    sample_rate: int
    bands: int = 64
    window: int = 1024
    hop: int = 256

    def frames(self, samples: int) -> int:
        """N, spectrogram frames of `samples` samples."""
        return samples // self.hop

    def __call__(self, audio_BS: Tensor) -> Tensor:
        """Log-mel spectrograms [B, F, N] of mono audio [B, S] in [−1, 1].

        Raises:
            ValueError: `audio_BS` has other than two dimensions or is shorter than one window.
        """
        if audio_BS.ndim != 2:
            raise ValueError(f"audio has shape {tuple(audio_BS.shape)}: expected [clips, samples], mono")
        if audio_BS.shape[1] < self.window:
            raise ValueError(f"audio of {audio_BS.shape[1]} samples: expected at least one window, {self.window}")
        hann_S = torch.hann_window(self.window, device=audio_BS.device)
        scale = 2.0 / float(hann_S.sum())  # a sine of amplitude 1 has power 1 in its bin
        spectrum_BKN = torch.stft(
            audio_BS.float(), self.window, self.hop, window=hann_S, center=True, return_complex=True
        )
        power_BKN = (spectrum_BKN.abs() * scale).square()[..., : self.frames(audio_BS.shape[1])]
        mel_FK = filterbank(self.sample_rate, self.window, self.bands).to(audio_BS.device)
        decibels_BFN = 10.0 * torch.log10((mel_FK @ power_BKN).clamp_min(FLOOR_POWER))
        return (decibels_BFN - CENTRE_DECIBELS) / SCALE_DECIBELS

    def of(self, audio_BS: np.ndarray, *, chunk: int = 8, device: torch.device | str = "cpu") -> Tensor:
        """As `__call__`, for a NumPy array of any number of clips; `chunk` of them at a time."""
        parts = [
            self(torch.from_numpy(np.ascontiguousarray(audio_BS[start : start + chunk], dtype=np.float32)).to(device))
            for start in range(0, len(audio_BS), chunk)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, self.bands, self.frames(audio_BS.shape[1]), device=device)


@lru_cache(maxsize=8)
def filterbank(sample_rate: int, window: int, bands: int) -> Tensor:
    """Triangular mel filters [F, K] over the K = window/2 + 1 Fourier bins, HTK's mel scale, peak 1."""
    import torchaudio

    filters_KF = torchaudio.functional.melscale_fbanks(
        window // 2 + 1, 0.0, sample_rate / 2, bands, sample_rate, norm=None, mel_scale="htk"
    )
    return filters_KF.T.contiguous()


@lru_cache(maxsize=8)
def slaney_filterbank(sample_rate: int, fft: int, bands: int, low: float, high: float) -> Tensor:
    """Triangular mel filters [F, K] of equal areas from `low` to `high` Hz, Slaney's mel scale, as librosa has them."""
    import torchaudio

    filters_KF = torchaudio.functional.melscale_fbanks(
        fft // 2 + 1, low, high, bands, sample_rate, norm="slaney", mel_scale="slaney"
    )
    return filters_KF.T.contiguous()


@lru_cache(maxsize=8)
def kaldi_filterbank(sample_rate: int, fft: int, bands: int, low: float, high: float) -> Tensor:
    """Filters [F, K] that are triangles in mels, not in Hz, from `low` to `high` Hz; HTK's mel scale, peak 1."""
    import torchaudio

    filters_FK, _ = torchaudio.compliance.kaldi.get_mel_banks(bands, fft, sample_rate, low, high, 100.0, -500.0, 1.0)
    return nn.functional.pad(filters_FK, (0, 1))  # Kaldi has no bin at half the sample rate


def mel_power(audio_BS: Tensor, window_S: Tensor, hop: int, filters_FK: Tensor, *, centre: bool = True) -> Tensor:
    """Σ_f M[m, f]·|STFT(x)[f, t]|² [B, F, N]; a window shorter than the transform stands in its middle.

    Args:
        audio_BS: Mono audio.
        window_S: Fourier window; the transform's length follows from the filters.
        hop: Samples between windows.
        filters_FK: Mel filters.
        centre: The first window's middle is the first sample, with the audio mirrored before it.
    """
    fft = 2 * (filters_FK.shape[1] - 1)
    spectrum_BKN = torch.stft(
        audio_BS, fft, hop, win_length=len(window_S), window=window_S, center=centre, return_complex=True
    )
    return filters_FK @ spectrum_BKN.abs().square()
