"""The tagger: genre, instruments, mood and tempo of a clip, heard by one convolutional network with four heads.

Its genre posterior also gives KL and the inception score, its features the Fréchet distance. `demo/train_tagger.py`
trains it.

Tempo is a class of 1/12 octave, and the estimate the posterior's mean within the two neighbours of its mode.

Shape suffixes: B batch, S samples, F bands, N frames, D features, G genres, I instruments, M moods, T tempo classes.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.protocols import Tags
from padstal.core.tensor_files import loads
from padstal.foundation.config import TaggerShape
from padstal.foundation.convnet import ConvNet
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "tagger"
SLOWEST_BPM = 40.0
CLASSES_AN_OCTAVE = 12
TEMPO_CLASSES = 31
"""From 40 to 40·2^(30/12) = 226 beats per minute."""


@dataclass(frozen=True)
class Vocabulary:
    """What can be heard; the order is that of the posteriors."""

    genres: tuple[str, ...]
    instruments: tuple[str, ...]
    moods: tuple[str, ...]

    @property
    def heads(self) -> tuple[int, int, int, int]:
        """Outputs of each head: G, I, M, T."""
        return len(self.genres), len(self.instruments), len(self.moods), TEMPO_CLASSES


@dataclass(frozen=True)
class ConvTagger:
    """A frozen tagger; implements `protocols.Tagger`."""

    model: Any
    mel: LogMel
    shape: TaggerShape
    vocabulary: Vocabulary
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @property
    def config(self) -> dict[str, Any]:
        """What `load` asks of a folder beside the weights."""
        return {
            "role": ROLE,
            "shape": self.shape.model_dump(include=set(TaggerShape.model_fields)),
            "sample_rate": self.sample_rate,
            "vocabulary": asdict(self.vocabulary),
        }

    @property
    def genres(self) -> tuple[str, ...]:
        return self.vocabulary.genres

    @property
    def instruments(self) -> tuple[str, ...]:
        return self.vocabulary.instruments

    @property
    def moods(self) -> tuple[str, ...]:
        return self.vocabulary.moods

    @torch.no_grad()
    def features(self, audio_BS: np.ndarray, batch: int = 16) -> np.ndarray:
        """Features [B, D] (float32) before the heads, for the Fréchet distance."""
        parts = [
            self.model[0](self.mel.of(audio_BS[at : at + batch], device=self.device)).cpu()
            for at in range(0, len(audio_BS), batch)
        ]
        return torch.cat(parts).numpy() if parts else np.zeros((0, self.features_width), np.float32)

    @property
    def features_width(self) -> int:
        """D, width of `features`."""
        return int(self.model[1].weight.shape[1])

    @torch.no_grad()
    def tag(self, audio_BS: np.ndarray) -> Tags:
        """Tags of mono float32 audio."""
        return self.tag_features(self.features(audio_BS))

    @torch.no_grad()
    def tag_features(self, features_BD: np.ndarray) -> Tags:
        """Tags from `features`, for who needs both."""
        logits = self.model[1](torch.from_numpy(features_BD).to(self.device)).cpu()
        genre_BG, instrument_BI, mood_BM, tempo_BT = logits.split(self.vocabulary.heads, dim=1)
        return Tags(
            genre_BG=genre_BG.softmax(dim=1).numpy(),
            instrument_BI=instrument_BI.sigmoid().numpy(),
            mood_BM=mood_BM.softmax(dim=1).numpy(),
            tempo_B=expected_tempo(tempo_BT.softmax(dim=1)).numpy(),
        )


@loads("the folder of a tagger")
def load(folder: Path, device: torch.device | str) -> ConvTagger:
    """The tagger of a model folder.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    shape = TaggerShape.model_validate(config["shape"])
    vocabulary = Vocabulary(**{name: tuple(words) for name, words in config["vocabulary"].items()})
    model = load_into(new(shape, vocabulary), folder, device)
    mel = LogMel(int(config["sample_rate"]), bands=shape.bands)
    return ConvTagger(model, mel, shape, vocabulary, torch.device(device))


def new(shape: TaggerShape, vocabulary: Vocabulary) -> nn.Sequential:
    """An untrained tagger: body, then all heads side by side; random weights from torch's global generator."""
    body = ConvNet(shape.bands, shape.width, shape.depth, shape.features)
    return nn.Sequential(body, nn.Linear(shape.features, sum(vocabulary.heads)))


def tempo_class(tempo_B: Tensor) -> Tensor:
    """Class (int64) of a tempo: semitones above 40 beats per minute, the nearest that there is."""
    steps_B = CLASSES_AN_OCTAVE * torch.log2(tempo_B.clamp_min(1e-3) / SLOWEST_BPM)
    return steps_B.round().clamp(0, TEMPO_CLASSES - 1).long()


def expected_tempo(posterior_BT: Tensor) -> Tensor:
    """Beats per minute: the mean class within one class of the mode, so that an octave's doubt is not averaged."""
    classes_T = torch.arange(TEMPO_CLASSES)
    near_BT = (classes_T - posterior_BT.argmax(dim=1, keepdim=True)).abs() <= 1
    weight_BT = posterior_BT * near_BT
    mean_B = (weight_BT * classes_T).sum(dim=1) / weight_BT.sum(dim=1)
    return SLOWEST_BPM * 2 ** (mean_B / CLASSES_AN_OCTAVE)
