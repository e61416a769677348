"""A small training of a text-aware autoencoder, by any number of processes.

Only terms that are means over clips have weight, unless `every_term`: those alone do not depend on who has which clip.
"""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch
from tests.codecs.fakes import FRAMES, SPECTRAL, FakeAudio, FakeTextEncoder, rows, tal_config

from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.learning_rate import LearningRate
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.objective import TalWeights
from padstal.codecs.recipes import TalRecipe
from padstal.codecs.tal_vae import TalVae
from padstal.codecs.training import Plan, train
from padstal.nn.discriminators import MultiScaleStftDiscriminator
from padstal.training.process_group import ProcessGroup

ENDS_AT = 9
OVER_THE_BATCH = ("mrstft", "ce", "feature_matching")
"""Terms that are ratios over the whole batch, or means over all its tokens."""
PLAN = Plan(
    steps=14,
    batch=4,
    crop=FRAMES * SPECTRAL.ratio,
    learning_rate=2e-3,
    discriminator_learning_rate=1e-3,
    rate=LearningRate("cosine", 2, 1.0),
    weight_decay=0.0,
    discriminator_start=6,
    judged=4 * SPECTRAL.ratio,
    adversarial="lsgan",  # hinge gives the last bias a gradient of exactly zero, whose rounding Adam makes a step of
    generator_clip=10.0,
    discriminator_clip=10.0,
    ema_decay=0.5,
    precision="32-true",
    seed=3,
    log_every=3,
    probe_every=6,
    probe_clips=3,
    checkpoint_every=4,
)


def run(
    folder: Path,
    group: ProcessGroup,
    before_step: Callable[[int], None] = lambda step: None,
    every_term: bool = False,
) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    """Averaged weights and curves."""

    def ticking(steps):
        for step in steps:
            before_step(step)
            yield step

    torch.manual_seed(0)
    names = [field.name for field in fields(TalWeights)]
    weights = {name: 0.1 if every_term or name not in OVER_THE_BATCH else 0.0 for name in names}
    stft = MultiResolutionStft((64,), 1, a_weighting=False, sample_rate=8000)
    clips = Clips(rows(8), FakeAudio(), CaptionTable(FakeTextEncoder(), rows(8)["caption"], precompute=True))
    trained = train(
        TalVae(tal_config()),
        MultiScaleStftDiscriminator(1, (64,), 2),
        TalRecipe(stft, TalWeights(**weights), 0.3),
        clips,
        clips,
        PLAN,
        device=torch.device("cpu"),
        state_folder=folder,
        group=group,
        progress=ticking,
    )
    return trained.model.state_dict(), trained.curves
