"""The codec `mel` of QA-MDT, a `protocols.Codec`: audio → log-mel spectrogram → VAE, and back through a vocoder.

    encode: x, zeros to whole latent frames → E (`nn/vocoder_mel.py`) → mean, std [B, D, T/4, M/4]
    decode: latent → Ê → x̂, cut to the length of a clip

Shape suffixes: B batch, C = 1 audio channel, S samples, T mel frames, M mel bands, D latent channels.
"""

from pathlib import Path

import torch
from torch.nn import functional

from padstal.core.protocols import TextStates
from padstal.foundation import mel_codec
from padstal.nn.vocoder_mel import vocoder_mel


class FrozenMelCodec:
    """Mel spectrograms' VAE and vocoder, a `protocols.Codec`; its latent is z."""

    reads_text = False
    pools_groups = False
    channels = 1

    def __init__(self, model: mel_codec.MelCodecModel):
        self.networks, self.form = model.networks, model.form
        self.sample_rate, self.ratio = model.form.sample_rate, model.form.ratio
        self.channel_groups = {"z": (0, model.form.latent_channels)}

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        """(D, T/4, M/4); a part of a latent frame counts as one."""
        return (self.form.latent_channels, self._frames(samples), self.form.bands // self.form.reduction)

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Posterior mean and standard deviation [B, D, T/4, M/4]; `texts` is not read.

        Raises:
            ValueError: The audio is not mono.
        """
        if audio_BCS.shape[1] != 1:
            raise ValueError(f"audio of {audio_BCS.shape[1]} channels: the codec mel hears mono")
        return self.networks.posterior(self.mel(audio_BCS[:, 0]))

    @torch.no_grad()
    def decode(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, S], float32, not clipped; S is a clip's length where the latent has a clip's frames."""
        audio_BS = self.networks.vocode(self.networks.decode(latent_BD)).float()
        if latent_BD.shape[2] == self._frames(self.form.clip_samples):
            audio_BS = audio_BS[:, : self.form.clip_samples]
        return audio_BS[:, None]

    def mel(self, audio_BS: torch.Tensor) -> torch.Tensor:
        """Log-mels [B, T, M] of audio, zeros after it up to whole latent frames."""
        padded_BS = functional.pad(audio_BS, (0, -audio_BS.shape[-1] % self.ratio))
        return vocoder_mel(padded_BS, self.sample_rate, self.form.window, self.form.hop, self.form.bands)

    def probes(self, audio_BCS: torch.Tensor) -> dict[str, torch.Tensor]:
        return {}

    def _frames(self, samples: int) -> int:
        return -(-samples // self.ratio)


def load(folder: Path, device: torch.device | str) -> FrozenMelCodec:
    """The codec of a model folder, frozen, in float32.

    Raises:
        FileNotFoundError, UntrustedFileError: See `foundation.mel_codec.load`.
    """
    return FrozenMelCodec(mel_codec.load(folder, device))
