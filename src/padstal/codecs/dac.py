"""The codec `dac` of DiscoDiff (section 3.1), a `protocols.Codec`: continuous latents of a residual vector quantiser.

    X̂_i = P_i Z_i,  X_i = the entry of codebook i nearest to X̂_i,  Z_{i+1} = Z_i − Q_i X_i,  Z_0 = Z                (1)
    latent = concat(X̂_0, …, X̂_{N−1}) (target "pre", the released code's) or concat(X_0, …, X_{N−1}) ("post")       (2)
    decode: Z̃ = Σ_i Q_i X̃_i, X̃_i the entry nearest to the latent's channels of codebook i                         (4)

descript-audio-codec looks the entries up by cosine, and P and Q have biases; so all of this is left to its own methods.

Shape suffixes: B batch, C = 1 audio channel, S samples, D = N·8 latent channels, T latent frames, E embedding channels.
"""

from pathlib import Path

import torch
from torch.nn import functional

from padstal.codecs.chunks import CHUNK, decode_in_chunks, reach_of
from padstal.core.protocols import TextStates
from padstal.foundation import dac


class FrozenDac:
    """A Descript Audio Codec, a `protocols.Codec`; each codebook is a group of channels.

    Args:
        frozen: Model and form.
        chunk: Latent frames decoded at once.
    """

    reads_text = False
    channels = 1
    pools_groups = True

    def __init__(self, frozen: dac.DacModel, chunk: int = CHUNK):
        self.model, self.form, self.chunk = frozen.model.eval(), frozen, chunk
        self.sample_rate, self.ratio = int(self.model.sample_rate), int(self.model.hop_length)
        width = self.model.codebook_dim
        self.channel_groups = {
            f"codebook_{number + 1}": (number * width, (number + 1) * width) for number in range(self.model.n_codebooks)
        }
        self.reach = reach_of(self.model.decoder)

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        """(D, T); T is a whole number of `multiple` frames."""
        multiple = self.form.latents.multiple
        return (self.model.n_codebooks * self.model.codebook_dim, -(-samples // (self.ratio * multiple)) * multiple)

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """(1) and (2): the latent [B, D, T], and zeros, since it has no spread; `texts` is not read.

        Raises:
            ValueError: The audio is not mono.
            RuntimeError: The model is in train mode, where codebooks are left out at random.
        """
        if audio_BCS.shape[1] != 1:
            raise ValueError(f"audio of {audio_BCS.shape[1]} channels: the codec dac hears mono")
        if self.model.training:
            raise RuntimeError("the DAC is in train mode, where codebooks are left out at random: expected eval mode")
        frames = self.latent_shape(audio_BCS.shape[-1])[1]
        padded_BCS = functional.pad(audio_BCS, (0, frames * self.ratio - audio_BCS.shape[-1]))
        _, codes_BNT, latent_BDT, *_ = self.model.encode(padded_BCS)
        if self.form.latents.target == "post":
            latent_BDT = self.model.quantizer.from_codes(codes_BNT)[1]
        return latent_BDT, torch.zeros_like(latent_BDT)

    @torch.no_grad()
    def decode(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """(4): audio [B, 1, S], float32, not clipped; S is a clip's length where the latent has a clip's frames.

        Channels of the first k codebooks alone give what these make of it.
        """
        embedding_BET = self.model.quantizer.from_latents(latent_BD.float())[0]
        audio_BCS: torch.Tensor = decode_in_chunks(
            self.model.decode, embedding_BET, ratio=self.ratio, reach=self.reach, chunk=self.chunk
        )
        if latent_BD.shape[2] == self.latent_shape(self.form.clip_samples)[1]:
            audio_BCS = audio_BCS[..., : self.form.clip_samples]
        return audio_BCS

    @torch.no_grad()
    def codes(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """Numbers of the entries nearest to a latent, int64 [B, N, T]."""
        codes_BNT: torch.Tensor = self.model.quantizer.from_latents(latent_BD.float())[2]
        return codes_BNT

    def probes(self, audio_BCS: torch.Tensor) -> dict[str, torch.Tensor]:
        return {}


def load(folder: Path, device: torch.device | str) -> FrozenDac:
    """The codec of a model folder, frozen, in float32.

    Raises:
        FileNotFoundError, UntrustedFileError: See `foundation.dac.load`.
    """
    return FrozenDac(dac.load(folder, device))
