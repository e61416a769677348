"""A small training of a denoiser, by any number of processes."""

from pathlib import Path
from typing import Any

import torch
from tests.diffusion.fakes import CHANNELS, FORM, LATENT_SHAPE, WIDTH, FakeTextEncoder, latent_store

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.diffusion.clips import CaptionStates, splits_of
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask
from padstal.training.config import TrainConfig

TRAINING = {
    "steps": 24,
    "batch": 6,
    "learning_rate": 3e-3,
    "rate": {"kind": "cosine", "warmup_steps": 2, "floor": 0.0},
    "weight_decay": 1e-3,
    "clip": 1.0,
    "ema_decay": 0.9,
    "precision": "32-true",
    "seed": 7,
    "log_every": 8,
    "validate_every": 8,
    "validation_clips": 4,
    "checkpoint_every": 5,
}


def params(**training: Any) -> DenoiserParams:
    return DenoiserParams.model_validate(
        {"form": FORM, "objective": {"kind": "mse"}, "dropout": 0.1, "training": {**TRAINING, **training}}
    )


def make(folder: Path, **training: Any) -> tuple[DenoiserTask, TrainConfig]:
    """A fresh task and how it is trained; its latents lie in `folder`."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    store = latent_store(folder)
    dataset = store.index.assign(offset_seconds=0.0, track_seconds=18.0, text=store.index["caption"])
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    statistics = LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS))
    splits = splits_of(dataset, store, statistics, states)
    asked = params(**training)
    denoiser = Denoiser(FORM, LATENT_SHAPE, WIDTH)
    return DenoiserTask(denoiser, splits["train"], splits["validation"], asked), asked.training
