"""AudioLDM 2's VAE of mel spectrograms and its HiFi-GAN (Liu et al. 2023), which QA-MDT's latents come from.

Published in diffusers' and transformers' formats: `vae/` (`AutoencoderKL`) and `vocoder/` (`SpeechT5HifiGan`), a config
and a file of safetensors each. Files are checked by sha256 and kept as one file of safetensors.

Shape suffixes: B batch, T frames, M mel bands, S samples, D latent channels.
"""

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from padstal.core.data.units import seconds_to_samples
from padstal.foundation.fetch import PinnedFiles, UntrustedFileError, fetch
from padstal.foundation.mel_codec import ROLE, MelForm
from padstal.foundation.store import read_tensors, save

KIND = "audioldm"
PARTS = ("vae", "vocoder")
WINDOW = 1024
"""Samples of the mel spectrogram's Fourier window; neither config has it."""
VAE_VALUES = (
    "in_channels",
    "out_channels",
    "down_block_types",
    "up_block_types",
    "block_out_channels",
    "layers_per_block",
    "act_fn",
    "latent_channels",
    "norm_num_groups",
    "mid_block_add_attention",
    "use_quant_conv",
    "use_post_quant_conv",
)
VOCODER_VALUES = (
    "model_in_dim",
    "sampling_rate",
    "upsample_initial_channel",
    "upsample_rates",
    "upsample_kernel_sizes",
    "resblock_kernel_sizes",
    "resblock_dilation_sizes",
    "leaky_relu_slope",
    "normalize_before",
)


class AudioLdm(nn.Module):
    """Both networks; implements `mel_codec.Networks`.

    Args:
        vae: Values of `AutoencoderKL`.
        vocoder: Values of `SpeechT5HifiGanConfig`.
    """

    vae: Any  # the types of diffusers' decorators hide its methods

    def __init__(self, vae: Mapping[str, Any], vocoder: Mapping[str, Any]):
        from diffusers import AutoencoderKL
        from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

        super().__init__()
        self.vae = AutoencoderKL(**vae)
        self.vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**vocoder))
        self.hop = math.prod(vocoder["upsample_rates"])

    def posterior(self, mel_BTM: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation, each [B, D, T/4, M/4]."""
        posterior = self.vae.encode(mel_BTM[:, None]).latent_dist
        return posterior.mean, posterior.std

    def decode(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """Log-mels [B, T, M]."""
        mel_BTM: torch.Tensor = self.vae.decode(latent_BD).sample[:, 0]
        return mel_BTM

    def vocode(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        """Audio [B, T·hop]; HiFi-GAN gives a few samples more at the end."""
        audio_BS: torch.Tensor = self.vocoder(mel_BTM)
        return audio_BS[:, : mel_BTM.shape[1] * self.hop]


def convert(weights: PinnedFiles, clip_seconds: float, folder: Path) -> None:
    """Fetch the published files into `folder`: safetensors and config.

    Args:
        weights: `config.json` and one file of safetensors in `vae/` and in `vocoder/`.
        clip_seconds: Length of a clip, s.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch` and `store.read_tensors`; or weights and configs do not fit.
    """
    raw = folder / "raw"
    files = fetch(weights, raw)
    vae = _values(files["vae/config.json"], VAE_VALUES)
    vocoder = _values(files["vocoder/config.json"], VOCODER_VALUES)
    model = AudioLdm(vae, vocoder)
    for part in PARTS:
        _fill(getattr(model, part), part, files, weights)
    form = form_of(vae, vocoder, clip_seconds)
    config = {
        "role": ROLE,
        "kind": KIND,
        "origin": weights.origin,
        "form": asdict(form),
        "networks": {"vae": vae, "vocoder": vocoder},
    }
    save(folder, model, config)
    shutil.rmtree(raw)


def form_of(vae: Mapping[str, Any], vocoder: Mapping[str, Any], clip_seconds: float) -> MelForm:
    """Sizes of audio, spectrogram and latent, as the configs have them."""
    return MelForm(
        sample_rate=vocoder["sampling_rate"],
        window=WINDOW,
        hop=math.prod(vocoder["upsample_rates"]),
        bands=vocoder["model_in_dim"],
        latent_channels=vae["latent_channels"],
        reduction=2 ** (len(vae["block_out_channels"]) - 1),
        clip_samples=seconds_to_samples(clip_seconds, vocoder["sampling_rate"]),
    )


def _fill(module: nn.Module, part: str, files: Mapping[str, Path], weights: PinnedFiles) -> None:
    (name,) = [name for name in files if name.startswith(f"{part}/") and not name.endswith("config.json")]
    try:
        module.load_state_dict(read_tensors(files[name], weights.sha256[name]))
    except RuntimeError as error:
        raise UntrustedFileError(f"{files[name]}: not weights of its config.json: {error}") from None


def _values(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What of a published config the network is built from; what it leaves out has the library's own default."""
    config = json.loads(path.read_text(encoding="utf-8"))
    return {name: config[name] for name in names if name in config}
