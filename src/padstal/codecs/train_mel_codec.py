"""Training of the small codec of mel spectrograms on clips of the composer, sound ones and degraded ones.

For a crop's log-mels E and waveform x, z ~ q(z|E), Ê = decode(z), σ_m the spread of band m:

    L = mean |Ê − E| / σ_m + β mean KL(q(z|E) ‖ N(0, 1)) + L_mrstft(vocode(sg(Ê)), x)                              (1)

The vocoder learns from what the VAE gives back (sg: no gradient), as it is used, and never bends it.

Shape suffixes: B batch, S samples, T mel frames, M mel bands.
"""

from typing import Any

import numpy as np
import torch

from padstal.codecs.mel_codec import FrozenMelCodec
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.reconstruction import held_out_quality
from padstal.demo.config import TrainedMelCodec
from padstal.demo.fit import Progress, fit, seeded
from padstal.foundation.mel_codec import small_networks
from padstal.nn.vocoder_mel import vocoder_mel

SMALL_SPREAD = 1e-3
CHUNK = 64
"""Clips whose spectrograms are taken at once."""


def train(
    audio_BS: np.ndarray,
    section: TrainedMelCodec,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Any, list[float]]:
    """Train VAE and vocoder on clips.

    Returns:
        The networks (`foundation.mel_codec.Networks`), and the loss (1) of every step.

    Raises:
        ValueError: A clip is shorter than a crop.
    """
    hop, length = section.hop, section.crop_frames
    frames = audio_BS.shape[1] // hop
    if frames < length:
        raise ValueError(f"clips of {frames} mel frames: expected at least crop_frames = {length}")
    audio = torch.from_numpy(np.ascontiguousarray(audio_BS[:, : frames * hop], dtype=np.float32)).to(device)
    form = (sample_rate, section.window, hop, section.bands)
    mel_BTM = torch.cat([vocoder_mel(part, *form) for part in audio.split(CHUNK)])
    with seeded(section.fit.seed):
        networks = small_networks(section, sample_rate).to(device)
        for part in (networks.vae, networks.vocoder):
            part.mean_M.copy_(mel_BTM.mean(dim=(0, 1)))
            part.spread_M.copy_(mel_BTM.std(dim=(0, 1)) + SMALL_SPREAD)
        spectral = MultiResolutionStft(section.fft_sizes, 1, a_weighting=False, sample_rate=sample_rate).to(device)

        def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            starts = torch.randint(0, frames - length + 1, rows.shape, generator=generator)
            crops = list(zip(rows.tolist(), starts.tolist(), strict=True))
            true_BTM = torch.stack([mel_BTM[row, at : at + length] for row, at in crops])
            wave_BS = torch.stack([audio[row, at * hop : (at + length) * hop] for row, at in crops])
            mean, log_variance = networks.vae.posterior(true_BTM)
            noise = torch.randn(mean.shape, generator=generator).to(device)
            ours_BTM = networks.decode(mean + (0.5 * log_variance).exp() * noise)
            distance = ((ours_BTM - true_BTM) / networks.vae.spread_M).abs().mean()
            kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).mean()
            heard_BS = networks.vocode(ours_BTM.detach())
            return distance + section.kl * kl + spectral(heard_BS[:, None], spectral.target(wave_BS[:, None]))  # (1)

        losses = fit(networks, loss_of, len(audio), section.fit, progress=progress)
    return networks, losses


def held_out(
    codec: FrozenMelCodec, train_BS: np.ndarray, test_BS: np.ndarray, device: torch.device
) -> dict[str, float]:
    """Reconstruction of held-out clips, beside the mean spectrum of as many training clips as the guess.

    `held_out_mel_l1` is in bels, as the autoencoders' (`codecs/held_out.py`); `held_out_vae_l1`, of the VAE alone, in
    nepers of its own spectrogram; `noise_share` the posterior's variance over all of the latent's.
    """
    test_BCS = torch.from_numpy(test_BS)[:, None]
    outputs, distances, means, stds = [], [], [], []
    for part in test_BCS.split(CHUNK):
        heard = part.to(device)
        mean, std = codec.encode(heard, None)
        true_BTM, ours_BTM = codec.mel(heard[:, 0]), codec.networks.decode(mean)
        distances.append((ours_BTM - true_BTM).abs().mean(dim=(1, 2)).cpu())
        outputs.append(codec.decode(mean).cpu())
        means.append(mean.cpu())
        stds.append(std.cpu())
    output_BCS, mean, std = torch.cat(outputs), torch.cat(means), torch.cat(stds)
    noise = float(std.square().mean())
    return {
        **held_out_quality(output_BCS, train_BS, test_BCS, codec.sample_rate),
        "held_out_vae_l1": float(torch.cat(distances).mean()),
        "noise_share": noise / (noise + float(mean.var())),
    }
