"""The codec of mel spectrograms that QA-MDT works in: log-mels, a VAE and a vocoder. Small ones are trained
(`codecs/train_mel_codec.py`), published ones converted (`audioldm.py`).

Shape suffixes: B batch, T frames, M mel bands, S samples, D latent channels.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from padstal.core.data.units import seconds_to_samples
from padstal.foundation.config import MelCodecShape
from padstal.foundation.store import load_into, read_config

ROLE = "mel_codec"
SMALL = "small"


class Networks(Protocol):
    """From mel spectrograms (`nn/vocoder_mel.py`) to latents and back, and to audio."""

    def posterior(self, mel_BTM: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation, each [B, D, T/4, M/4]."""
        ...

    def decode(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """Log-mels [B, T, M]."""
        ...

    def vocode(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        """Audio [B, T·hop]."""
        ...


@dataclass(frozen=True)
class MelForm:
    """Sizes of audio, spectrogram and latent.

    Attributes:
        sample_rate: Hz; the audio is mono.
        window: Samples of the Fourier window.
        hop: Samples of a mel frame.
        bands: M.
        latent_channels: D.
        reduction: Frames, and bands, of a latent position.
        clip_samples: Length of a clip, samples; its latent is decoded to exactly that.
    """

    sample_rate: int
    window: int
    hop: int
    bands: int
    latent_channels: int
    reduction: int
    clip_samples: int

    @property
    def ratio(self) -> int:
        """Samples of a latent frame."""
        return self.hop * self.reduction


@dataclass(frozen=True)
class MelCodecModel:
    """The frozen networks, and what they are made for."""

    networks: Networks
    form: MelForm


def small_networks(shape: MelCodecShape, sample_rate: int) -> Any:
    """Untrained networks of a shape; an `nn.Module`."""
    from padstal.nn.small_mel_codec import SmallMelCodec

    sizes = {name: getattr(shape, name) for name in MelCodecShape.model_fields if name != "window"}
    return SmallMelCodec(sample_rate=sample_rate, **sizes)


def small_config(shape: MelCodecShape, sample_rate: int, clip_seconds: float) -> dict[str, Any]:
    """What `load` asks of the folder of a small codec beside the weights."""
    from padstal.nn.mel_vae import PATCH

    form = MelForm(
        sample_rate=sample_rate,
        window=shape.window,
        hop=shape.hop,
        bands=shape.bands,
        latent_channels=shape.latent_channels,
        reduction=PATCH,
        clip_samples=seconds_to_samples(clip_seconds, sample_rate),
    )
    sizes = {name: getattr(shape, name) for name in MelCodecShape.model_fields}
    return {"role": ROLE, "kind": SMALL, "form": asdict(form), "networks": sizes}


def load(folder: Path, device: torch.device | str) -> MelCodecModel:
    """The codec of a model folder.

    Raises:
        FileNotFoundError: The folder lacks its weights or config.
        UntrustedFileError: It holds another role, or weights that do not fit its config.
    """
    config = read_config(folder, ROLE)
    form = MelForm(**config["form"])
    if config["kind"] == SMALL:
        model = small_networks(MelCodecShape(**config["networks"]), form.sample_rate)
    else:
        from padstal.foundation.audioldm import AudioLdm

        model = AudioLdm(**config["networks"])
    networks: Any = load_into(model, folder, device)
    return MelCodecModel(networks, form)
