"""p-MOS: predicted mean opinion score of a clip, 1 (bad) to 5 (excellent), as QA-MDT 4.1 asks of its scorer.

The scale ends at 5: a clip without a fault may be heard as better than the scale can say, and the score ends there too:

    (1)  p-MOS = min(max(ŝ, 1), 5)

It judges by statistics, for a fault is a matter of how often and how much, not of what is played: those of the waveform
(`faults`), and how each mel band's values are distributed over time. A perceptron on them learns more from a small draw
than a convolutional network on log-mels, in a fraction of the time. `demo/train_pmos.py` trains it.

Shape suffixes: B batch, S samples, F mel bands, N frames, K statistics.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.protocols import QualityScorer
from padstal.core.tensor_files import loads
from padstal.foundation import faults, wav2vec2
from padstal.foundation.config import PmosShape
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "pmos"
WORST, BEST = 1.0, 5.0
QUANTILES = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0)
"""Of each mel band over time: noise fills the lowest, a narrow band empties the highest."""


@dataclass(frozen=True)
class StatisticsScorer:
    """A frozen p-MOS regressor; implements `protocols.QualityScorer`."""

    model: nn.Module
    mel: LogMel
    shape: PmosShape
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @property
    def config(self) -> dict[str, Any]:
        """What `load` asks of a folder beside the weights."""
        shape = self.shape.model_dump(include=set(PmosShape.model_fields))
        return {"role": ROLE, "shape": shape, "sample_rate": self.sample_rate}

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


@loads("the folder of a p-MOS scorer")
def load(folder: Path, device: torch.device | str) -> QualityScorer:
    """The p-MOS scorer of a model folder: the small one, or a published wav2vec 2.0 (`wav2vec2.py`).

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    if config.get("kind") == wav2vec2.KIND:
        return wav2vec2.load(folder, device)
    shape = PmosShape.model_validate(config["shape"])
    model = load_into(Regressor(shape), folder, device)
    mel = LogMel(int(config["sample_rate"]), bands=shape.bands)
    return StatisticsScorer(model, mel, shape, torch.device(device))


class Regressor(nn.Module):
    """Statistics [B, K] → ŝ [B, 1]; they are brought to zero mean and unit spread, and cut at five spreads."""

    mean_K: Tensor
    spread_K: Tensor

    def __init__(self, shape: PmosShape) -> None:
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
