"""p-MOS: predicted mean opinion score of a clip, 1 (bad) to 5 (excellent), as QA-MDT 4.1 asks of its scorer.

The scale ends at 5: a clip without a fault may be heard as better than the scale can say. So a clip of quality 5 is a
censored observation, and the score ends there too:

    (1)  p-MOS = min(max(ŝ, 1), 5)
    (2)  L = smooth-L1(min(ŝ, 5), 5) where mos = 5, else smooth-L1(ŝ, mos)

It judges by statistics, for a fault is a matter of how often and how much, not of what is played: those of the waveform
(`faults`), and how each mel band's values are distributed over time. A perceptron on them learns more from a small draw
than a convolutional network on log-mels, in a fraction of the time.

Shape suffixes: B batch, S samples, F mel bands, N frames, K statistics.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.protocols import QualityScorer
from padstal.demo.fit import Progress, Schedule, fit, seeded
from padstal.foundation import faults, wav2vec2
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "pmos"
SMALL_SPREAD = 1e-3
WORST, BEST = 1.0, 5.0
QUANTILES = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0)
"""Of each mel band over time: noise fills the lowest, a narrow band empties the highest."""


@dataclass(frozen=True)
class Shape:
    """Size of the regressor.

    Attributes:
        bands: F, mel bands.
        width: Features of the hidden layers.
        dropout: Share of features left out in training; half of it of statistics.
    """

    bands: int
    width: int
    dropout: float


@dataclass(frozen=True)
class StatisticsScorer:
    """A frozen p-MOS regressor; implements `protocols.QualityScorer`."""

    model: nn.Module
    mel: LogMel
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @torch.no_grad()
    def score(self, audio_BS: np.ndarray) -> np.ndarray:
        """p-MOS [B] (float32) of mono float32 audio of any length from one Fourier window up."""
        if not len(audio_BS):
            return np.zeros(0, np.float32)
        score_B = self.model(statistics(audio_BS, self.mel).to(self.device))[:, 0]
        scores: np.ndarray = score_B.clamp(WORST, BEST).cpu().numpy()  # (1)
        return scores


def statistics(audio_BS: np.ndarray, mel: LogMel, *, chunk: int = 64) -> Tensor:
    """Statistics [B, K] of mono audio: quantiles, mean, spread and steps of each band, then those of `faults`."""
    parts = []
    for at in range(0, len(audio_BS), chunk):
        some_BS = audio_BS[at : at + chunk]
        mel_BFN = mel.of(some_BS)
        ordered_BFN = mel_BFN.sort(dim=2).values
        places = (torch.tensor(QUANTILES) * (mel_BFN.shape[2] - 1)).round().long()
        step_BFN = mel_BFN.diff(dim=2).abs()
        columns = [ordered_BFN[:, :, places].flatten(1), mel_BFN.mean(dim=2), mel_BFN.std(dim=2)]
        columns += [step_BFN.mean(dim=2), step_BFN.amax(dim=2), faults.statistics(some_BS, mel.sample_rate)]
        parts.append(torch.cat(columns, dim=1))
    return torch.cat(parts)


def load(folder: Path, device: torch.device | str) -> QualityScorer:
    """The p-MOS scorer of a model folder: the small one, or a published wav2vec 2.0 (`wav2vec2.py`).

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    if config.get("kind") == wav2vec2.KIND:
        return wav2vec2.load(folder, device)
    shape = Shape(**config["shape"])
    model = load_into(Regressor(shape), folder, device)
    return StatisticsScorer(model, LogMel(int(config["sample_rate"]), bands=shape.bands), torch.device(device))


class Regressor(nn.Module):
    """Statistics [B, K] → ŝ [B, 1]; they are brought to zero mean and unit spread, and cut at five spreads."""

    mean_K: Tensor
    spread_K: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        count = shape.bands * (len(QUANTILES) + 4) + faults.COUNT
        self.register_buffer("mean_K", torch.zeros(count))
        self.register_buffer("spread_K", torch.ones(count))
        self.judge = nn.Sequential(
            nn.Dropout(shape.dropout / 2),
            nn.Linear(count, shape.width),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            nn.Linear(shape.width, shape.width),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            nn.Linear(shape.width, 1),
        )

    def forward(self, statistics_BK: Tensor) -> Tensor:
        normal_BK = ((statistics_BK - self.mean_K) / self.spread_K).clamp(-5.0, 5.0)
        score_B1: Tensor = self.judge(normal_BK).float() + 0.5 * (WORST + BEST)
        return score_B1


def censored_loss(guess_B: Tensor, truth_B: Tensor) -> Tensor:
    """Smooth L1 (2), mean; a guess above 5 costs nothing where the truth is 5, and its full error elsewhere."""
    heard_B = torch.where(truth_B >= BEST, guess_B.clamp(max=BEST), guess_B)
    return nn.functional.smooth_l1_loss(heard_B, truth_B, beta=0.5)  # (2)


def train(
    audio_BS: np.ndarray,
    mos_B: np.ndarray,
    shape: Shape,
    schedule: Schedule,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[StatisticsScorer, dict[str, Any], list[float]]:
    """Train a regressor on clips of known quality.

    Returns:
        The scorer, its config (without an origin) and the loss (2) of every step.
    """
    mel = LogMel(sample_rate, bands=shape.bands)
    statistics_BK = statistics(audio_BS, mel).to(device)
    truth_B = torch.from_numpy(np.asarray(mos_B, dtype=np.float32)).to(device)
    with seeded(schedule.seed):
        model = Regressor(shape).to(device)
        model.mean_K = statistics_BK.mean(dim=0)
        model.spread_K = statistics_BK.std(dim=0) + SMALL_SPREAD

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            return censored_loss(model(statistics_BK[rows])[:, 0], truth_B[rows])

        losses = fit(model, loss_of, len(audio_BS), schedule, progress=progress)
    model.requires_grad_(False)
    config = {"role": ROLE, "shape": asdict(shape), "sample_rate": sample_rate}
    return StatisticsScorer(model, mel, device), config, losses
