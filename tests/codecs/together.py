"""A small training of a text-aware autoencoder, by any number of processes.

Only terms that are means over clips have weight, unless `every_term`: those alone do not depend on who has which clip.
"""

from pathlib import Path
from typing import Any

import torch
from tests.codecs.fakes import FORM, FRAMES, FakeAudio, FakeTextEncoder, rows, tal_config

from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.config import TalVaeParams, TalWeights
from padstal.codecs.recipes import recipe_of
from padstal.codecs.task import AutoencoderTask
from padstal.training.config import TrainConfig

OVER_THE_BATCH = ("mrstft", "ce", "feature_matching")
"""Terms that are ratios over the whole batch, or means over all its tokens."""
TRAINING = {
    "steps": 14,
    "batch": 4,
    "crop_frames": FRAMES,
    "learning_rate": 2e-3,
    "rate": {"kind": "cosine", "warmup_steps": 2, "floor": 0.05},
    "weight_decay": 0.0,
    "clip": 10.0,
    "ema_decay": 0.5,
    "precision": "32-true",
    "seed": 3,
    "log_every": 3,
    "validate_every": 6,
    "validation_clips": 3,
    "checkpoint_every": 4,
}
ADVERSARY = {
    "network": {"kind": "stft", "fft_sizes": [64], "filters": 2},
    "loss": "lsgan",  # hinge gives the last bias a gradient of exactly zero, whose rounding Adam makes a step of
    "start": 6,
    "frames": 4,
    "learning_rate": 1e-3,
    "rate": {"kind": "constant", "warmup_steps": 2},
    "clip": 10.0,
}


def make(
    folder: Path, *, every_term: bool = False, adversary: dict[str, Any] | None = None, **training: Any
) -> tuple[AutoencoderTask, TrainConfig]:
    """A fresh task and how it is trained; nothing is written to `folder`."""
    torch.manual_seed(0)
    weights = {name: 0.1 if every_term or name not in OVER_THE_BATCH else 0.0 for name in TalWeights.model_fields}
    params = TalVaeParams.model_validate(
        {
            "codec": tal_config(),
            "private_dropout": 0.3,
            "precompute_text": True,
            "mrstft": {"fft_sizes": [64], "a_weighting": False},
            "weights": weights,
            "discriminator": {**ADVERSARY, **(adversary or {})},
            "training": {**TRAINING, **training},
        }
    )
    audio: Any = FakeAudio()
    clips = Clips(rows(8), audio, CaptionTable(FakeTextEncoder(), rows(8)["caption"], precompute=True))
    model = params.codec.build(FORM)
    discriminator = params.discriminator.network.build(channels=1, sample_rate=8000)
    recipe = recipe_of(params, channels=1, sample_rate=8000)
    return AutoencoderTask(model, discriminator, recipe, clips, clips, params), params.training
