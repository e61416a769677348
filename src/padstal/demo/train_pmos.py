"""Training of the small p-MOS regressor on clips of known quality.

A clip of quality 5 may sound better than the scale can say, so it is a censored observation of the score ŝ:

    (1)  L = smooth-L1(min(ŝ, 5), 5) where mos = 5, else smooth-L1(ŝ, mos)

Shape suffixes: B batch, S samples, K statistics.
"""

import numpy as np
import torch
from torch import Tensor, nn

from padstal.demo.config import TrainedPmos
from padstal.demo.fit import Progress, fit, seeded
from padstal.foundation.logmel import LogMel
from padstal.foundation.pmos import BEST, Regressor, StatisticsScorer, statistics

SMALL_SPREAD = 1e-3


def train(
    audio_BS: np.ndarray,
    mos_B: np.ndarray,
    section: TrainedPmos,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[StatisticsScorer, list[float]]:
    """Train a regressor on clips of known quality.

    Returns:
        The scorer, and the loss (1) of every step.
    """
    mel = LogMel(sample_rate, bands=section.bands)
    statistics_BK = statistics(audio_BS, mel).to(device)
    truth_B = torch.from_numpy(np.asarray(mos_B, dtype=np.float32)).to(device)
    with seeded(section.fit.seed):
        model = Regressor(section).to(device)
        model.mean_K = statistics_BK.mean(dim=0)
        model.spread_K = statistics_BK.std(dim=0) + SMALL_SPREAD

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            return censored_loss(model(statistics_BK[rows])[:, 0], truth_B[rows])

        losses = fit(model, loss_of, len(audio_BS), section.fit, progress=progress)
    model.requires_grad_(False)
    return StatisticsScorer(model, mel, section, device), losses


def censored_loss(guess_B: Tensor, truth_B: Tensor) -> Tensor:
    """Smooth L1 (1), mean; a guess above 5 costs nothing where the truth is 5, and its full error elsewhere."""
    heard_B = torch.where(truth_B >= BEST, guess_B.clamp(max=BEST), guess_B)
    return nn.functional.smooth_l1_loss(heard_B, truth_B, beta=0.5)  # (1)
