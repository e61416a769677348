"""Stable Audio Open (Evans et al. 2024) as published: its own checkpoint, and the folders of diffusers' pipeline.

Its own: `model_config.json` and `model.safetensors`, or `model.ckpt`, a pickle that is read without running anything.
diffusers': `vae/`, `transformer/` and `projection_model/`, a `config.json` and a file of safetensors each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from padstal.core.data.atomic import read_json, write_json
from padstal.core.tensor_files import read_pickled_tensors, read_safetensors
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.stable_audio_names import Layout, to_diffusers
from padstal.foundation.text_encoder import T5TextEncoder

PARTS = ("vae", "transformer", "projection_model")
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
POSITIONS = 128
"""Rows of a text."""
FEED_FORWARD = 4
"""Hidden features of the gated feed-forward, as a multiple of the width; neither config has it."""
SCHEDULER: dict[str, Any] = {
    "_class_name": "CosineDPMSolverMultistepScheduler",
    "prediction_type": "v_prediction",
    "sigma_data": 1.0,
    "sigma_min": 0.3,
    "sigma_max": 500,
    "sigma_schedule": "exponential",
    "solver_order": 2,
}


@dataclass(frozen=True)
class AutoencoderSizes:
    """Sizes of Oobleck, by the names that params have for them; `sample_rate` in Hz, `channels` of the audio."""

    sample_rate: int
    channels: int
    latent_channels: int
    width: int
    multiples: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class TransformerSizes:
    """Sizes of the transformer and of what it is told.

    Attributes:
        latent_channels, frames: D and T of the longest latent.
        heads, cross_heads, head_width, depth: Its width is heads · head_width.
        cond_width: Features of a row of text or seconds.
        seconds: Durations are clamped to.
    """

    latent_channels: int
    frames: int
    heads: int
    cross_heads: int
    head_width: int
    depth: int
    cond_width: int
    seconds: tuple[float, float]


Sizes = tuple[AutoencoderSizes, TransformerSizes]


@dataclass(frozen=True)
class PublishedTensors:
    """What a published folder holds; `layout` is how the tensors are called, `where` they were read from."""

    autoencoder: AutoencoderSizes
    transformer: TransformerSizes
    tensors: dict[str, Tensor]
    layout: Layout
    where: Path


def read(folder: Path) -> PublishedTensors:
    """Stable Audio Open of a folder in either form; where there are both, its own.

    Raises:
        FileNotFoundError: The folder holds neither.
        UntrustedFileError: A file is damaged or asks for more than tensors, or a config lacks a value.
    """
    if (folder / "model_config.json").is_file():
        config = _config(folder / "model_config.json")
        with expecting("the config of Stable Audio Open", folder / "model_config.json"):
            sizes = _sizes_of_original(config)
        for name, reader in (("model.safetensors", read_safetensors), ("model.ckpt", read_pickled_tensors)):
            if (folder / name).is_file():
                return PublishedTensors(*sizes, reader(folder / name), "original", folder / name)
    elif all((folder / part / "config.json").is_file() for part in PARTS):
        with expecting("the configs of diffusers' Stable Audio Open", folder):
            sizes = _sizes_of_diffusers(*(_config(folder / part / "config.json") for part in PARTS))
        tensors = {
            f"{part}/{name}": tensor
            for part in PARTS
            for name, tensor in read_safetensors(folder / part / DIFFUSERS_WEIGHTS).items()
        }
        return PublishedTensors(*sizes, tensors, "diffusers", folder)
    raise FileNotFoundError(
        f"{folder}: no Stable Audio Open here; expected model_config.json with model.safetensors or model.ckpt, or "
        f"diffusers' folders {', '.join(PARTS)}"
    )


def _config(path: Path) -> dict[str, Any]:
    with expecting("a config", path):
        return dict(read_json(path))


def _sizes_of_original(config: Mapping[str, Any]) -> Sizes:
    model = config["model"]
    codec, dit = model["pretransform"]["config"], model["diffusion"]["config"]
    encoder, decoder = codec["encoder"]["config"], codec["decoder"]["config"]
    told = {one["id"]: one["config"] for one in model["conditioning"]["configs"]}
    for name in ("channels", "c_mults", "strides"):
        _same(f"{name} of encoder and decoder", encoder[name], decoder[name])
    _same("final_tanh", decoder.get("final_tanh", False), False)
    _same("use_snake", encoder.get("use_snake"), True)
    _same("global_cond_dim", dit["global_cond_dim"], 2 * dit["cond_token_dim"])
    for name in ("min_val", "max_val"):
        _same(f"{name} of the seconds", told["seconds_start"][name], told["seconds_total"][name])
    head_width = dit["embed_dim"] // dit["num_heads"]
    autoencoder = AutoencoderSizes(
        sample_rate=config["sample_rate"],
        channels=codec["io_channels"],
        latent_channels=codec["latent_dim"],
        width=encoder["channels"],
        multiples=tuple(encoder["c_mults"]),
        strides=tuple(encoder["strides"]),
    )
    return autoencoder, TransformerSizes(
        latent_channels=dit["io_channels"],
        frames=config["sample_size"] // codec["downsampling_ratio"],
        heads=dit["num_heads"],
        cross_heads=dit["cond_token_dim"] // head_width,
        head_width=head_width,
        depth=dit["depth"],
        cond_width=dit["cond_token_dim"],
        seconds=(told["seconds_start"]["min_val"], told["seconds_start"]["max_val"]),
    )


def _sizes_of_diffusers(vae: Mapping[str, Any], dit: Mapping[str, Any], told: Mapping[str, Any]) -> Sizes:
    _same("encoder_hidden_size", vae["encoder_hidden_size"], vae["decoder_channels"])
    _same("in_channels and out_channels", dit["in_channels"], dit["out_channels"])
    _same("cross_attention_input_dim", dit["cross_attention_input_dim"], dit["cross_attention_dim"])
    _same("global_states_input_dim", dit["global_states_input_dim"], 2 * dit["cross_attention_dim"])
    autoencoder = AutoencoderSizes(
        sample_rate=vae["sampling_rate"],
        channels=vae["audio_channels"],
        latent_channels=vae["decoder_input_channels"],
        width=vae["encoder_hidden_size"],
        multiples=tuple(vae["channel_multiples"]),
        strides=tuple(vae["downsampling_ratios"]),
    )
    return autoencoder, TransformerSizes(
        latent_channels=dit["in_channels"],
        frames=int(dit["sample_size"]),
        heads=dit["num_attention_heads"],
        cross_heads=dit["num_key_value_attention_heads"],
        head_width=dit["attention_head_dim"],
        depth=dit["num_layers"],
        cond_width=dit["cross_attention_dim"],
        seconds=(told["min_value"], told["max_value"]),
    )


def _same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise UntrustedFileError(f"{what}: {found}, expected {expected}: not a form of Stable Audio Open that we have")


def write(
    folder: Path,
    tensors: Mapping[str, Tensor],
    transformer: TransformerSizes,
    autoencoder: AutoencoderSizes | None,
    text_encoder: T5TextEncoder,
) -> None:
    """Fill `folder`, which exists, with what diffusers loads: a `StableAudioPipeline`, or all but its VAE.

    Args:
        folder: To fill.
        tensors: Ours, of both models, or of a denoiser alone.
        transformer: Its sizes.
        autoencoder: Its sizes; None to leave it out.
        text_encoder: With its tokenizer.
    """
    configs = {"transformer": _transformer_config(transformer), "projection_model": _projection_config(transformer)}
    if autoencoder:
        configs["vae"] = _autoencoder_config(autoencoder)
    named = to_diffusers(tensors)
    for part, config in configs.items():
        (folder / part).mkdir()
        write_json(folder / part / "config.json", config)
        own = {name.removeprefix(f"{part}/"): one for name, one in named.items() if name.startswith(f"{part}/")}
        save_file(own, folder / part / DIFFUSERS_WEIGHTS, {"format": "pt"})
    tokenizer = text_encoder.tokenizer
    tokenizer.model_max_length = text_encoder.max_length
    text_encoder.model.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    (folder / "scheduler").mkdir()
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    if autoencoder:
        index = {
            "_class_name": "StableAudioPipeline",
            "vae": ["diffusers", configs["vae"]["_class_name"]],
            "transformer": ["diffusers", configs["transformer"]["_class_name"]],
            "projection_model": ["stable_audio", configs["projection_model"]["_class_name"]],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", type(tokenizer).__name__],
            "scheduler": ["diffusers", SCHEDULER["_class_name"]],
        }
        write_json(folder / "model_index.json", index)


def _autoencoder_config(sizes: AutoencoderSizes) -> dict[str, Any]:
    return {
        "_class_name": "AutoencoderOobleck",
        "encoder_hidden_size": sizes.width,
        "decoder_channels": sizes.width,
        "channel_multiples": sizes.multiples,
        "downsampling_ratios": sizes.strides,
        "decoder_input_channels": sizes.latent_channels,
        "audio_channels": sizes.channels,
        "sampling_rate": sizes.sample_rate,
    }


def _transformer_config(sizes: TransformerSizes) -> dict[str, Any]:
    return {
        "_class_name": "StableAudioDiTModel",
        "sample_size": sizes.frames,
        "in_channels": sizes.latent_channels,
        "out_channels": sizes.latent_channels,
        "num_layers": sizes.depth,
        "attention_head_dim": sizes.head_width,
        "num_attention_heads": sizes.heads,
        "num_key_value_attention_heads": sizes.cross_heads,
        "cross_attention_dim": sizes.cond_width,
        "cross_attention_input_dim": sizes.cond_width,
        "global_states_input_dim": 2 * sizes.cond_width,
    }


def _projection_config(sizes: TransformerSizes) -> dict[str, Any]:
    return {
        "_class_name": "StableAudioProjectionModel",
        "text_encoder_dim": sizes.cond_width,
        "conditioning_dim": sizes.cond_width,
        "min_value": sizes.seconds[0],
        "max_value": sizes.seconds[1],
    }
