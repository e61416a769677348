"""How well an autoencoder gives audio back: mel distance, log-spectral distance, SI-SDR, multi-resolution STFT loss.

    SI-SDR(x̂, x) = 10 log₁₀ ‖a x‖² / ‖a x − x̂‖²,  a = ⟨x̂, x⟩ / ‖x‖²                      (Le Roux et al., 2019)      (1)
    LSD(x̂, x) = mean over frames of √ mean over bins (20 log₁₀ |X̂| / |X|)²                (dB)                      (2)

Shape suffixes: B batch, C audio channels, S samples, M mel bands.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from padstal.codecs.mel import HOP, N_FFT, log_mel
from padstal.codecs.mrstft import MultiResolutionStft

FFT_SIZES = (2048, 1024, 512, 256)
"""Resolutions of the reported multi-resolution loss: fixed, whatever the training used."""


@dataclass(frozen=True)
class Quality:
    """Per-clip values, float64 [B] each; `mel_l1` in bels, the others as in the module's formulae."""

    mel_l1: np.ndarray
    log_spectral_distance: np.ndarray
    si_sdr: np.ndarray
    mrstft: np.ndarray

    def summary(self) -> dict[str, float | int]:
        """Means over clips (the median for SI-SDR, whose tails are long), and n."""
        return {
            "n": len(self.mel_l1),
            "mel_l1": float(self.mel_l1.mean()),
            "log_spectral_distance": float(self.log_spectral_distance.mean()),
            "si_sdr_median": float(np.median(self.si_sdr)),
            "mrstft": float(self.mrstft.mean()),
        }

    @classmethod
    def join(cls, parts: "list[Quality]") -> "Quality":
        """The clips of all `parts`, in order."""
        names = ("mel_l1", "log_spectral_distance", "si_sdr", "mrstft")
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@torch.no_grad()
def quality(output_BCS: torch.Tensor, target_BCS: torch.Tensor, sample_rate: int) -> Quality:
    """Quality of `output_BCS` as a copy of `target_BCS`; channels are averaged."""
    B, C, S = target_BCS.shape
    ours, theirs = output_BCS.float().reshape(B * C, S), target_BCS.float().reshape(B * C, S)
    stft = MultiResolutionStft(FFT_SIZES, C, a_weighting=False, sample_rate=sample_rate).to(ours.device)
    per_clip = [stft(output_BCS[i : i + 1], stft.target(target_BCS[i : i + 1])) for i in range(B)]

    def of_clip(values: torch.Tensor) -> np.ndarray:
        return values.double().reshape(B, C).mean(1).cpu().numpy()

    return Quality(
        mel_l1=of_clip((log_mel(ours, sample_rate) - log_mel(theirs, sample_rate)).abs().mean((1, 2))),
        log_spectral_distance=of_clip(log_spectral_distance(ours, theirs)),
        si_sdr=of_clip(si_sdr(ours, theirs)),
        mrstft=torch.stack(per_clip).double().cpu().numpy(),
    )


def si_sdr(output_NS: torch.Tensor, target_NS: torch.Tensor) -> torch.Tensor:
    """(1) in dB, [N]; the mean is removed first."""
    x, y = (audio.double() - audio.double().mean(-1, keepdim=True) for audio in (target_NS, output_NS))
    scaled = (y * x).sum(-1, keepdim=True) / x.square().sum(-1, keepdim=True).clamp(min=1e-12) * x
    ratio = scaled.square().sum(-1).clamp(min=1e-12) / (scaled - y).square().sum(-1).clamp(min=1e-12)
    return 10 * ratio.log10()


def log_spectral_distance(output_NS: torch.Tensor, target_NS: torch.Tensor) -> torch.Tensor:
    """(2), [N]; magnitudes are floored at −80 dB of full scale."""
    window = torch.hann_window(N_FFT, device=target_NS.device)

    def decibels(audio: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(audio, N_FFT, HOP, window=window, return_complex=True) / (N_FFT / 4)
        return 20 * spectrum.abs().clamp(min=1e-4).log10()

    return (decibels(output_NS) - decibels(target_NS)).square().mean(1).sqrt().mean(-1)


def mean_spectrum(batches: Iterable[torch.Tensor], sample_rate: int) -> torch.Tensor:
    """Mean log-mel spectrum [M] of clips that come in batches [B, C, S], all of one length."""
    per_clip = [log_mel(clips_BCS.flatten(0, 1), sample_rate).mean(2) for clips_BCS in batches]
    return torch.cat(per_clip).mean(0)


def spectrum_distance(guess_M: torch.Tensor, target_BCS: torch.Tensor, sample_rate: int) -> np.ndarray:
    """Mel L1 [B·C] of the trivial guess: the spectrum `guess_M` in every frame."""
    mel_NMK = log_mel(target_BCS.flatten(0, 1), sample_rate)
    return (mel_NMK - guess_M[:, None]).abs().mean((1, 2)).double().cpu().numpy()


def mean_spectrum_distance(train_BCS: torch.Tensor, target_BCS: torch.Tensor, sample_rate: int) -> float:
    """Mel L1 of the trivial guess: the mean log-mel spectrum of the training clips in every frame."""
    return float(spectrum_distance(mean_spectrum([train_BCS], sample_rate), target_BCS, sample_rate).mean())


def held_out_quality(
    output_BCS: torch.Tensor, train_BS: np.ndarray, target_BCS: torch.Tensor, sample_rate: int
) -> dict[str, float]:
    """What a codec that `prepare` trained reports of held-out clips: their quality beside the trivial guess.

    Args:
        output_BCS: What it gives back of them.
        train_BS: Mono clips that it learnt from; the guess is the mean spectrum of the first as many.
        target_BCS: The clips.
        sample_rate: Hz.
    """
    found = quality(output_BCS, target_BCS, sample_rate).summary()
    train_BCS = torch.from_numpy(train_BS[: len(target_BCS)])[:, None]
    return {
        "held_out_n": found["n"],
        "held_out_mel_l1": found["mel_l1"],
        "held_out_mel_l1_mean_spectrum": mean_spectrum_distance(train_BCS, target_BCS, sample_rate),
        "held_out_log_spectral_distance": found["log_spectral_distance"],
        "held_out_mrstft": found["mrstft"],
    }
