"""The small VAE of mel spectrograms and the vocoder after it, as one module; demo and study train it.

Shape suffixes: B batch, T frames, M mel bands, S samples, D latent channels.
"""

import torch
from torch import nn

from padstal.nn.mel_vae import MelVae
from padstal.nn.mel_vocoder import MelVocoder


class SmallMelCodec(nn.Module):
    """`vae`, and `vocoder`, of the sizes that their own docstrings explain."""

    def __init__(
        self,
        *,
        sample_rate: int,
        bands: int,
        hop: int,
        latent_channels: int,
        width: int,
        depth: int,
        vocoder_window: int,
        vocoder_width: int,
        vocoder_depth: int,
    ):
        super().__init__()
        self.vae = MelVae(bands, latent_channels, width, depth)
        self.vocoder = MelVocoder(
            sample_rate=sample_rate,
            bands=bands,
            hop=hop,
            window=vocoder_window,
            width=vocoder_width,
            depth=vocoder_depth,
        )

    def posterior(self, mel_BTM: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation, each [B, D, T/4, M/4]."""
        mean, log_variance = self.vae.posterior(mel_BTM)
        return mean, (0.5 * log_variance).exp()

    def decode(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """Log-mels [B, T, M]."""
        mel_BTM: torch.Tensor = self.vae.decode(latent_BD)
        return mel_BTM

    def vocode(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        """Audio [B, T·hop]."""
        audio_BS: torch.Tensor = self.vocoder(mel_BTM)
        return audio_BS
