"""p-MOS: predicted mean opinion score of a clip, 1 (bad) to 5 (excellent), as QA-MDT 4.1 asks of its scorer.

The scale ends at 5: a clip without a fault may be heard as better than the scale can say. So a clip of quality 5 is a censored
observation, and the score ends there too:

    (1)  p-MOS = min(max(ŝ, 1), 5)
    (2)  L = smooth-L1(min(ŝ, 5), 5) where mos = 5, else smooth-L1(ŝ, mos)

It hears a log-mel spectrogram and the statistics of `faults`.

Shape suffixes: B batch, S samples, F mel bands, N frames, K statistics.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.foundation import faults
from padstal.foundation.convnet import ConvNet, augment
from padstal.foundation.fit import Progress, Schedule, fit, seeded
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "pmos"
WORST, BEST = 1.0, 5.0


@dataclass(frozen=True)
class Shape:
    """Size of the regressor.

    Attributes:
        bands: F, mel bands.
        width: Channels over time.
        depth: Residual blocks.
        features: Features before the score.
    """

    bands: int
    width: int
    depth: int
    features: int


@dataclass(frozen=True)
class ConvScorer:
    """A frozen p-MOS regressor; implements `interfaces.QualityScorer`."""

    model: nn.Module
    mel: LogMel
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @torch.no_grad()
    def score(self, audio_BS: np.ndarray, batch: int = 64) -> np.ndarray:
        """p-MOS [B] (float32) of mono float32 audio of any length from one Fourier window up."""
        parts = [
            self._raw(audio_BS[at : at + batch]).clamp(WORST, BEST).cpu()  # (1)
            for at in range(0, len(audio_BS), batch)
        ]
        return torch.cat(parts).numpy() if parts else np.zeros(0, np.float32)

    def _raw(self, audio_BS: np.ndarray) -> Tensor:
        mel_BFN = self.mel.of(audio_BS, device=self.device)
        score_B: Tensor = self.model(mel_BFN, faults.statistics(audio_BS, self.sample_rate).to(self.device))
        return score_B


class Regressor(nn.Module):
    """Log-mel [B, F, N] and statistics [B, K] → ŝ [B]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.listen = ConvNet(shape.bands, shape.width, shape.depth, shape.features)
        self.weigh = nn.Sequential(
            nn.BatchNorm1d(faults.COUNT), nn.Linear(faults.COUNT, shape.features), nn.GELU(), nn.Dropout(0.1)
        )
        self.judge = nn.Sequential(
            nn.Linear(2 * shape.features, shape.features), nn.GELU(), nn.Linear(shape.features, 1)
        )
        nn.init.constant_(self.judge[-1].bias, 0.5 * (WORST + BEST))  # type: ignore[arg-type]

    def forward(self, mel_BFN: Tensor, statistics_BK: Tensor) -> Tensor:
        features_BD = torch.cat([self.listen(mel_BFN), self.weigh(statistics_BK)], dim=1)
        score_B: Tensor = self.judge(features_BD)[:, 0].float()
        return score_B


def load(folder: Path, device: torch.device | str) -> ConvScorer:
    """The p-MOS regressor of a model folder.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    shape = Shape(**config["shape"])
    model = load_into(Regressor(shape), folder, device)
    return ConvScorer(model, LogMel(int(config["sample_rate"]), bands=shape.bands), torch.device(device))


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
) -> tuple[ConvScorer, dict[str, Any], list[float]]:
    """Train a regressor on clips of known quality.

    Returns:
        The scorer, its config (without an origin) and the loss (2) of every step.
    """
    mel = LogMel(sample_rate, bands=shape.bands)
    mel_BFN = mel.of(audio_BS, device=device)
    statistics_BK = faults.statistics(audio_BS, sample_rate).to(device)
    truth_B = torch.from_numpy(np.asarray(mos_B, dtype=np.float32)).to(device)
    with seeded(schedule.seed):
        model = Regressor(shape).to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            heard_BFN = augment(mel_BFN[rows], generator, gain_decibels=4.0, band_mask=0, frame_mask=0)
            guess_B = model(heard_BFN, statistics_BK[rows])
            return censored_loss(guess_B, truth_B[rows])

        losses = fit(model, loss_of, len(audio_BS), schedule, progress=progress)
    model.requires_grad_(False)
    config = {"role": ROLE, "shape": asdict(shape), "sample_rate": sample_rate}
    return ConvScorer(model, mel, device), config, losses
