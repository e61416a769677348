"""A tiny AudioLDM 2 codec of random weights, written in the published form by diffusers and transformers."""

from pathlib import Path
from typing import Any

import torch
from tests.foundation.pinned import pinned

from padstal.foundation.fetch import PinnedFiles

FILES = (
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "vocoder/config.json",
    "vocoder/model.safetensors",
)


def write_published(source: Path) -> tuple[Any, Any]:
    """Fill a folder; the VAE and the vocoder. Rates and kernels leave a few samples at the end, as the published do."""
    from diffusers import AutoencoderKL
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(0)
    vae = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=[4, 8, 8],
        layers_per_block=1,
        latent_channels=8,
        norm_num_groups=2,
        sample_size=64,
        scaling_factor=0.41,
    ).eval()
    config = SpeechT5HifiGanConfig(
        model_in_dim=16,
        sampling_rate=16_000,
        upsample_initial_channel=16,
        upsample_rates=[5, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        normalize_before=False,
    )
    vocoder = SpeechT5HifiGan(config).eval()
    vae.save_pretrained(source / "vae")
    vocoder.save_pretrained(source / "vocoder")
    return vae, vocoder


def pinned_files(source: Path) -> PinnedFiles:
    return pinned(source, *FILES)
