"""A trained autoencoder on disk, and frozen behind `protocols.Codec`.

The folder holds the averaged weights of what inference and the probes need (the text decoder and w_t stay behind), as
`model.safetensors`, and `config.json`.

Shape suffixes: B batch, C audio channels, S samples, D latent channels, T latent frames, Z channels of z.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from padstal.codecs import backbone
from padstal.codecs.audio_vae import AudioVae
from padstal.codecs.tal_vae import TalConfig, TalVae
from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.units import samples_to_frames
from padstal.core.protocols import TextStates

NOT_SHIPPED = ("encoder_w_t", "text_decoder")
"""Parts of the text-aware autoencoder that only its training needs."""


@dataclass(frozen=True)
class AudioForm:
    """Form of the audio-only autoencoder."""

    backbone: backbone.BackboneConfig
    latent_channels: int


def save(
    folder: Path, model: nn.Module, form: AudioForm | TalConfig, *, sample_rate: int, origin: str, name: str
) -> None:
    """Write `model.safetensors` and `config.json` into the existing `folder`."""
    from safetensors.torch import save_file

    kept = {
        key: value.detach().cpu().contiguous()
        for key, value in model.state_dict().items()
        if not key.startswith(NOT_SHIPPED)
    }
    save_file(kept, folder / "model.safetensors")
    common = {"name": name, "origin": origin, "sample_rate": sample_rate}
    if isinstance(form, AudioForm):
        shape = {"backbone": backbone.to_dict(form.backbone), "latent_channels": form.latent_channels}
        write_json(folder / "config.json", {**common, "kind": "audio", "form": shape})
    else:
        parts = {"private": backbone.to_dict(form.private), "shared": backbone.to_dict(form.shared)}
        write_json(folder / "config.json", {**common, "kind": "tal", "form": {**asdict(form), **parts}})


def load(folder: Path, device: torch.device | str) -> "FrozenAudioVae | FrozenTalVae":
    """The autoencoder of a model folder, frozen, in float32, weight norms folded.

    Raises:
        FileNotFoundError: The folder holds no autoencoder.
        ValueError: Weights and config do not fit.
    """
    from safetensors.torch import load_file

    if not (folder / "config.json").exists():
        raise FileNotFoundError(f"{folder}: no autoencoder here; has the stage train_vae run?")
    config = read_json(folder / "config.json")
    form = config["form"]
    model: AudioVae | TalVae
    if config["kind"] == "audio":
        audio_form = AudioForm(backbone.from_dict(form["backbone"]), form["latent_channels"])
        model = AudioVae(audio_form.backbone, audio_form.latent_channels)
    else:
        parts = {part: backbone.from_dict(form[part]) for part in ("private", "shared")}
        tal_form = TalConfig(**{**form, **parts})
        model = TalVae(tal_form)
        for part in NOT_SHIPPED:
            delattr(model, part)
    weights = load_file(folder / "model.safetensors")
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if missing or unexpected:
        raise ValueError(
            f"{folder}: weights do not fit config.json: missing {missing[:3]}, unexpected {unexpected[:3]}"
        )
    _fold_weight_norms(model)
    model = model.to(device).eval().requires_grad_(False)
    if isinstance(model, AudioVae):
        return FrozenAudioVae(model, audio_form, config["sample_rate"])
    return FrozenTalVae(model, config["sample_rate"])


class FrozenAudioVae:
    """The audio-only autoencoder, an `protocols.Codec`; its latent is z."""

    def __init__(self, model: AudioVae, form: AudioForm, sample_rate: int):
        self.model = model
        self.sample_rate = sample_rate
        self.channels = form.backbone.channels
        self.ratio = form.backbone.ratio
        self.latent_channels = form.latent_channels
        self.channel_groups = {"z": (0, form.latent_channels)}

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        return (self.latent_channels, samples_to_frames(samples, self.ratio))

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Posterior mean and standard deviation [B, D, T]; `texts` is not read."""
        z = self.model.posterior(audio_BCS)
        return z.mean, z.std

    @torch.no_grad()
    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S], float32, not clipped."""
        return self.model.decode(latent_BDT)


class FrozenTalVae:
    """The text-aware autoencoder, an `protocols.Codec`; its latent is [w_m; z_p]."""

    def __init__(self, model: TalVae, sample_rate: int):
        config = model.config
        self.model = model
        self.sample_rate = sample_rate
        self.channels = config.private.channels
        self.ratio = config.private.ratio
        self.latent_channels = config.private_channels + config.shared_channels
        self.channel_groups = config.channel_groups

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        return (self.latent_channels, samples_to_frames(samples, self.ratio))

    @torch.no_grad()
    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Posterior mean and standard deviation of [w_m; z_p], each [B, D, T]: w_m of the audio, z_p of its text.

        Raises:
            ValueError: There are no texts.
        """
        if texts is None:
            raise ValueError("texts = None: the text-aware latent [w_m; z_p] needs the clips' texts")
        w_m = self.model.private_audio(audio_BCS)
        z_p = self.model.shared_text(texts, w_m.mean.shape[-1])
        return self.model.join(w_m.mean, z_p.mean), self.model.join(w_m.std, z_p.std)

    @torch.no_grad()
    def shared_audio(self, audio_BCS: torch.Tensor) -> torch.Tensor:
        """μ_zm [B, Z, T]: what the audio's shared encoder says, for probes."""
        z_m = self.model.shared_audio(audio_BCS).mean
        return self.model.spread(z_m, audio_BCS.shape[-1] // self.ratio).contiguous()

    @torch.no_grad()
    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        """Audio [B, C, S], float32, not clipped."""
        return self.model.decode(latent_BDT)


def _fold_weight_norms(model: nn.Module) -> None:
    from torch.nn.utils import parametrize

    for module in model.modules():
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name)
