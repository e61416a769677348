"""A tiny Stable Audio Open of random weights: in diffusers' form by diffusers' own classes, and in its own."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from padstal.codecs.backbones import Oobleck
from padstal.codecs.config import AudioVaeConfig, CropForm
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.foundation.stable_audio_names import theirs

STRIDES, MULTIPLES, LATENT, FRAMES, COND, RATE = [2, 4], [1, 2], 4, 16, 32, 64
"""A frame is 8 samples, a clip of 16 frames 2 s."""


def write_published(source: Path) -> tuple[Any, Any, Any]:
    """Fill a folder; the autoencoder, the transformer and the model of durations."""
    from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioProjectionModel

    torch.manual_seed(0)
    vae = AutoencoderOobleck(
        encoder_hidden_size=2 * LATENT,
        downsampling_ratios=STRIDES,
        channel_multiples=MULTIPLES,
        decoder_channels=2 * LATENT,
        decoder_input_channels=LATENT,
        audio_channels=2,
        sampling_rate=RATE,
    )
    transformer = StableAudioDiTModel(
        sample_size=FRAMES,
        in_channels=LATENT,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=4,
        num_key_value_attention_heads=2,
        out_channels=LATENT,
        cross_attention_dim=COND,
        global_states_input_dim=2 * COND,
        cross_attention_input_dim=COND,
    )
    projection = StableAudioProjectionModel(COND, COND, min_value=0, max_value=512)
    for model, part in zip((vae, transformer, projection), ("vae", "transformer", "projection_model"), strict=True):
        for name, weight in model.eval().requires_grad_(False).named_parameters():
            if weight.ndim == 2:
                weight.normal_(std=weight.shape[1] ** -0.5)
            elif name.endswith(("alpha", "beta")) or (weight.ndim == 1 and "norm" not in name):
                weight += 0.3 * torch.randn_like(weight)
            elif name.endswith(("norm1.weight", "norm2.weight", "norm3.weight")):
                weight += 0.3 * torch.randn_like(weight)  # their biases are published as 0
        model.save_pretrained(source / part)
    return vae, transformer, projection


def random_tensors() -> dict[str, torch.Tensor]:
    """Ours, of an autoencoder and a denoiser of these sizes."""
    torch.manual_seed(0)
    oobleck = Oobleck(width=2 * LATENT, multiples=tuple(MULTIPLES), strides=tuple(STRIDES), last_bias=False)
    vae = AudioVaeConfig(latent_channels=LATENT, backbone=oobleck).build(
        CropForm(sample_rate=RATE, channels=2, frames=FRAMES, text=None)
    )
    form = {
        "conditioner": {"kind": "text_timing"},
        "backbone": {"kind": "dit", "width": 64, "depth": 2, "heads": 4, "cross_heads": 2, "feed_forward": 4},
        "schedule": {"kind": "cosine"},
        "prediction": {"kind": "v"},
    }
    denoiser = Denoiser(DenoiserForm.model_validate(form), (LATENT, FRAMES), COND)
    return {**vae.state_dict(), **denoiser.state_dict()}


def write_original(folder: Path, ours: dict[str, torch.Tensor]) -> None:
    """The same model as stable-audio-tools has it, of our tensors, with what else its checkpoint holds."""
    tensors = {theirs(name, "original")[0]: tensor.contiguous() for name, tensor in ours.items()}
    gammas = [name for name in tensors if name.endswith(".gamma")]
    tensors |= {name.replace(".gamma", ".beta"): torch.zeros(64) for name in gammas}
    frequency = "model.model.timestep_features.weight"
    tensors[frequency] = tensors[frequency][:, None]
    tensors |= {
        name: tensor[:, 0].contiguous()
        for name, tensor in tensors.items()
        if name.endswith(("alpha", ".beta")) and tensor.ndim == 2
    }
    tensors["model.model.transformer.rotary_pos_emb.inv_freq"] = torch.ones(4)
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    oobleck = {"channels": 2 * LATENT, "c_mults": MULTIPLES, "strides": STRIDES, "use_snake": True}
    number = {"min_val": 0, "max_val": 512}
    config = {
        "sample_rate": RATE,
        "sample_size": FRAMES * 8,
        "model": {
            "pretransform": {
                "config": {
                    "encoder": {"type": "oobleck", "config": {**oobleck, "in_channels": 2, "latent_dim": 2 * LATENT}},
                    "decoder": {"type": "oobleck", "config": {**oobleck, "latent_dim": LATENT, "final_tanh": False}},
                    "latent_dim": LATENT,
                    "downsampling_ratio": 8,
                    "io_channels": 2,
                }
            },
            "conditioning": {
                "configs": [
                    {"id": "prompt", "type": "t5", "config": {"t5_model_name": "t5-base", "max_length": 128}},
                    {"id": "seconds_start", "type": "number", "config": number},
                    {"id": "seconds_total", "type": "number", "config": number},
                ]
            },
            "diffusion": {
                "config": {
                    "io_channels": LATENT,
                    "embed_dim": 64,
                    "depth": 2,
                    "num_heads": 4,
                    "cond_token_dim": COND,
                    "global_cond_dim": 2 * COND,
                }
            },
        },
    }
    (folder / "model_config.json").write_text(json.dumps(config))
