"""Stable Audio Open in and out: its autoencoder and transformer as a codec and a denoiser of ours, and the way back.

Its latents are not standardised, so a denoiser made of it has statistics 0 and 1, and a training that begins from it
(`init_from`) keeps them. On the way out, with statistics mean μ and deviation s of each latent channel, the autoencoder
takes them over: with a = E(x) the encoder's mean and K, b weights and bias of the decoder's first convolution,

    a′ = (a − μ) / s,    K′ = K s,    b′ = b + Σ K μ                                                              (1)

so that diffusers decodes what the denoiser generates. Beyond a clip's edges that convolution reads 0, which stands for
μ in (1): the first and last frames differ from ours where μ is not 0. Posterior deviations are left as they are.
"""

from pathlib import Path

import torch
from torch import Tensor

from padstal.codecs.backbones import Oobleck
from padstal.codecs.checkpoint import save as save_codec
from padstal.codecs.config import CODECS, AudioVaeConfig, CropForm
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig
from padstal.core.data.atomic import read_json
from padstal.core.model_folder import WEIGHTS, fingerprint
from padstal.core.tensor_files import read_safetensors
from padstal.core.untrusted import UntrustedFileError
from padstal.diffusion.checkpoint import DenoiserConfig, TrainedDenoiser
from padstal.diffusion.checkpoint import save as save_denoiser
from padstal.diffusion.conditioning import SECONDS_LIMIT
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm, DiTBackbone
from padstal.diffusion.prediction import V
from padstal.diffusion.schedule import Cosine
from padstal.foundation.stable_audio import (
    FEED_FORWARD,
    POSITIONS,
    AutoencoderSizes,
    PublishedTensors,
    TransformerSizes,
    read,
    write,
)
from padstal.foundation.stable_audio_names import from_theirs
from padstal.foundation.text_encoder import T5TextEncoder

SECONDS = (0.0, SECONDS_LIMIT)
NAME = "stable_audio_open"


def convert(source: Path, folder: Path, *, origin: str, text_fingerprint: str) -> None:
    """Fill `folder`, which exists, with a codec, `vae/`, and a denoiser, `dit/`, of a published Stable Audio Open.

    Args:
        source: Folder of the published files, which are checked (`foundation/fetch.py`).
        folder: To fill.
        origin: How cards name it.
        text_fingerprint: SHA-256 of the weights of the T5 that it is to be told texts by.

    Raises:
        FileNotFoundError, UntrustedFileError: There is none, or none as we know it (`foundation/stable_audio.py`).
    """
    published = read(source)
    codec, crop, form = _forms(published)
    sizes = published.transformer
    with torch.device("meta"):
        vae, denoiser = codec.build(crop), Denoiser(form, (sizes.latent_channels, sizes.frames), sizes.cond_width)
    shapes = {name: one.shape for model in (vae, denoiser) for name, one in model.state_dict().items()}
    ours = from_theirs(shapes, published.tensors, published.layout, published.where)
    for model in (vae, denoiser):
        model.load_state_dict({name: ours[name] for name in model.state_dict()}, assign=True)
    (folder / "vae").mkdir()
    save_codec(folder / "vae", vae, codec, crop, origin=origin, name=NAME)
    latents = LatentConfig(
        codec="audio",
        fingerprint=fingerprint(folder / "vae"),
        sample_rate=crop.sample_rate,
        channels=crop.channels,
        ratio=codec.ratio,
        samples=sizes.frames * codec.ratio,
        shape=denoiser.latent_shape,
        channel_groups={"z": (0, codec.latent_channels)},
    )
    config = DenoiserConfig(
        name=NAME,
        origin=origin,
        form=form,
        text_width=sizes.cond_width,
        text_positions=POSITIONS,
        text_fingerprint=text_fingerprint,
        latents=latents,
        seconds_total=latents.samples / crop.sample_rate,
    )
    as_they_are = LatentStatistics(torch.zeros(sizes.latent_channels), torch.ones(sizes.latent_channels))
    (folder / "dit").mkdir()
    save_denoiser(folder / "dit", denoiser, as_they_are, config)


def _forms(published: PublishedTensors) -> tuple[AudioVaeConfig, CropForm, DenoiserForm]:
    own, dit = published.autoencoder, published.transformer
    if tuple(dit.seconds) != SECONDS or any(stride % 2 for stride in own.strides):
        raise UntrustedFileError(
            f"{published.where}: durations from {dit.seconds[0]:g} to {dit.seconds[1]:g} s, strides {own.strides}: "
            f"expected {SECONDS[0]:g} to {SECONDS[1]:g} s, and even strides"
        )
    oobleck = Oobleck(width=own.width, multiples=own.multiples, strides=own.strides, last_bias=False)
    backbone = DiTBackbone(
        width=dit.heads * dit.head_width,
        depth=dit.depth,
        heads=dit.heads,
        cross_heads=dit.cross_heads,
        feed_forward=FEED_FORWARD,
    )
    form = {"conditioner": {"kind": "text_timing"}, "backbone": backbone, "schedule": Cosine(), "prediction": V()}
    return (
        AudioVaeConfig(latent_channels=own.latent_channels, backbone=oobleck),
        CropForm(sample_rate=own.sample_rate, channels=own.channels, frames=dit.frames, text=None),
        DenoiserForm.model_validate(form),
    )


def export(folder: Path, trained: TrainedDenoiser, codec_folder: Path, text_encoder: T5TextEncoder) -> str:
    """Fill `folder`, which exists, with what diffusers loads of a denoiser, its codec and its text encoder.

    Args:
        folder: To fill.
        trained: The denoiser.
        codec_folder: Of the codec whose latents it generates.
        text_encoder: That it was trained with.

    Returns:
        Why the autoencoder was left out, so that there is no whole `StableAudioPipeline`; "" where it was not.

    Raises:
        NoCounterpartError: The denoiser is none that diffusers has.
    """
    sizes, tensors = _transformer_sizes(trained.config), dict(trained.denoiser.state_dict())
    try:
        autoencoder, vae = _autoencoder(codec_folder, trained.statistics)
    except NoCounterpartError as error:
        write(folder, tensors, sizes, None, text_encoder)
        return str(error)
    write(folder, tensors | vae, sizes, autoencoder, text_encoder)
    return ""


class NoCounterpartError(ValueError):
    """diffusers has no class for this model."""


def _transformer_sizes(config: DenoiserConfig) -> TransformerSizes:
    form, backbone = config.form, config.form.backbone
    if not isinstance(backbone, DiTBackbone) or backbone.feed_forward != FEED_FORWARD:
        raise NoCounterpartError(
            f"{config.name}: backbone {backbone!r}: expected the kind dit with feed_forward = {FEED_FORWARD}"
        )
    if (form.schedule, form.prediction) != (Cosine(), V()):
        raise NoCounterpartError(
            f"{config.name}: schedule {form.schedule!r}, prediction {form.prediction!r}: expected cosine and v"
        )
    return TransformerSizes(
        latent_channels=config.latents.latent_channels,
        frames=config.latents.shape[1],
        heads=backbone.heads,
        cross_heads=backbone.cross_heads,
        head_width=backbone.width // backbone.heads,
        depth=backbone.depth,
        cond_width=config.text_width,
        seconds=SECONDS,
    )


def _autoencoder(folder: Path, statistics: LatentStatistics) -> tuple[AutoencoderSizes, dict[str, Tensor]]:
    """Sizes and tensors of a codec's folder, with the statistics in it, (1)."""
    about = read_json(folder / "config.json")
    codec = CODECS.parse(about["codec"]) if "codec" in about else None
    oobleck = codec.backbone if isinstance(codec, AudioVaeConfig) else None
    if not isinstance(codec, AudioVaeConfig) or not isinstance(oobleck, Oobleck):
        raise NoCounterpartError(f"{folder}: expected the kind audio_vae with the backbone oobleck")
    if oobleck.last_bias or oobleck.width != 2 * codec.latent_channels or any(one % 2 for one in oobleck.strides):
        raise NoCounterpartError(
            f"{folder}: {oobleck!r} for latent_channels = {codec.latent_channels}: expected last_bias = false, even "
            "strides and width = 2 · latent_channels"
        )
    crop = CropForm.model_validate(about["form"])
    tensors = read_safetensors(folder / WEIGHTS)
    last = f"encoder.layers.{len(oobleck.strides) + 2}"
    _standardise(tensors, last, "decoder.layers.0", statistics)
    sizes = AutoencoderSizes(
        sample_rate=crop.sample_rate,
        channels=crop.channels,
        latent_channels=codec.latent_channels,
        width=oobleck.width,
        multiples=oobleck.multiples,
        strides=oobleck.strides,
    )
    return sizes, tensors


def _standardise(tensors: dict[str, Tensor], last: str, first: str, statistics: LatentStatistics) -> None:
    """(1), in weights of the form g v / ‖v‖, at the encoder's `last` and the decoder's `first` layer."""
    mean_D, std_D = statistics.mean_D, statistics.std_D
    D = len(mean_D)
    (g, v), bias = (f"{last}.parametrizations.weight.original{part}" for part in (0, 1)), f"{last}.bias"
    scale = torch.cat([std_D, torch.ones(D)])
    tensors[g] = tensors[g] / scale[:, None, None]
    tensors[bias] = (tensors[bias] - torch.cat([mean_D, torch.zeros(D)])) / scale
    (g, v), bias = (f"{first}.parametrizations.weight.original{part}" for part in (0, 1)), f"{first}.bias"
    kernel = tensors[g] * tensors[v] / torch.norm_except_dim(tensors[v])
    tensors[bias] = tensors[bias] + (kernel * mean_D[:, None]).sum(dim=(1, 2))
    tensors[v] = kernel * std_D[:, None]
    tensors[g] = torch.norm_except_dim(tensors[v])
