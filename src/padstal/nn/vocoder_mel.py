"""The log-mel spectrogram that HiFi-GAN reads (Kong et al. 2020), as AudioLDM and QA-MDT take it.

    E[t, m] = ln max(Σ_f M[m, f]·|STFT(x)[f, t]|, 10⁻⁵)                                                            (1)

Magnitudes, not powers, of a periodic Hann window; the audio is mirrored by (window − hop)/2 samples at both ends, so S
samples have exactly S / hop frames. M is Slaney's: linear below 1 kHz, logarithmic above, triangles of equal area.

Shape suffixes: B batch, S samples, T frames, M mel bands, F bins.
"""

from functools import lru_cache

import torch

from padstal.nn.stft import analyse

FLOOR = 1e-5
"""Least magnitude of a band."""


def vocoder_mel(audio_BS: torch.Tensor, sample_rate: int, window: int, hop: int, bands: int) -> torch.Tensor:
    """(1) of mono audio in [−1, 1]: [B, T, M], float32.

    Args:
        audio_BS: Longer than (window − hop)/2 samples, a whole number of hops.
        sample_rate: Hz.
        window: Samples of the Fourier window.
        hop: Samples between frames.
        bands: M, between 0 Hz and half the sample rate.

    Raises:
        ValueError: `audio_BS` is no whole number of hops.
    """
    if audio_BS.shape[-1] % hop:
        raise ValueError(f"{audio_BS.shape[-1]} samples: expected a whole number of hops of {hop} samples")
    hann_W = torch.hann_window(window, device=audio_BS.device)
    magnitude_BTF = analyse(audio_BS.float(), hann_W, hop).abs()
    filters_FM = filters(sample_rate, window, bands).to(audio_BS.device)
    return (magnitude_BTF @ filters_FM).clamp(min=FLOOR).log()  # (1)


@lru_cache(maxsize=8)
def filters(sample_rate: int, window: int, bands: int) -> torch.Tensor:
    """Mᵀ [F, M] over the F = window/2 + 1 bins."""
    import torchaudio

    return torchaudio.functional.melscale_fbanks(
        window // 2 + 1, 0.0, sample_rate / 2, bands, sample_rate, norm="slaney", mel_scale="slaney"
    )
