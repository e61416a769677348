"""A small training of a denoiser, by any number of processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tests.diffusion.fakes import CHANNELS, SHAPE, FakeTextEncoder, latent_store

from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.diffusion.clips import CaptionStates, Clips
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.training import Plan, Trained, train
from padstal.training.process_group import ProcessGroup

ENDS_AT = 13
PLAN = Plan(
    steps=24,
    batch=6,
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=2,
    inverse_scale_steps=1e6,
    weight_decay=1e-3,
    gradient_clip=1.0,
    ema_decay=0.9,
    dropout=0.1,
    precision="32-true",
    seed=7,
    log_every=8,
    checkpoint_every=5,
    validation_clips=4,
)


def clips(folder: Path) -> tuple[Clips, Clips]:
    folder.mkdir(exist_ok=True)
    store = latent_store(folder)
    statistics = LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS))
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    seconds = dict.fromkeys(store.index["clip_id"], (0.0, 18.0))
    training, validation = (
        Clips(LatentDataset(store.only(split), statistics), states, seconds) for split in ("train", "validation")
    )
    return training, validation


def trained(folder: Path, **options: Any) -> Trained:
    """`train` with state in `folder`; the latents lie beside it."""
    torch.manual_seed(0)
    group = options.get("group", ProcessGroup())
    training, validation = clips(folder.parent / f"latents_{group.shard().rank}")
    return train(
        Denoiser(SHAPE), training, validation, PLAN, device=torch.device("cpu"), state_folder=folder, **options
    )


def run(
    folder: Path, group: ProcessGroup, before_step: Callable[[int], None] = lambda step: None
) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    """Averaged weights and curves."""

    def ticking(steps):
        for step in steps:
            before_step(step)
            yield step

    found = trained(folder, group=group, progress=ticking)
    return found.denoiser.state_dict(), found.curves
