"""The tagger: genre, instruments, mood and tempo of a clip, heard by one convolutional network with four heads.

Its genre posterior also gives KL and the inception score, its features the Fréchet distance. Trained by the sum

    (1)  L = CE(genre) + mean BCE(instruments) + CE(mood) + CE(tempo class)

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
from padstal.demo.fit import Progress, Schedule, fit, seeded
from padstal.foundation.convnet import ConvNet, augment
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "tagger"
SLOWEST_BPM = 40.0
CLASSES_AN_OCTAVE = 12
TEMPO_CLASSES = 31
"""From 40 to 40·2^(30/12) = 226 beats per minute."""


@dataclass(frozen=True)
class Shape:
    """Size of the tagger.

    Attributes:
        bands: F, mel bands.
        width: Channels over time.
        depth: Residual blocks.
        features: D, features before the heads.
    """

    bands: int
    width: int
    depth: int
    features: int


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
class Labels:
    """True tags of B clips, as indices into a vocabulary.

    Attributes:
        genre_B: int64.
        instrument_BI: 1 where the instrument sounds.
        mood_B: int64.
        tempo_B: Beats per minute.
    """

    genre_B: np.ndarray
    instrument_BI: np.ndarray
    mood_B: np.ndarray
    tempo_B: np.ndarray


@dataclass(frozen=True)
class ConvTagger:
    """A frozen tagger; implements `protocols.Tagger`."""

    model: Any
    mel: LogMel
    vocabulary: Vocabulary
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

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
    def features(self, audio_BS: np.ndarray, batch: int = 64) -> np.ndarray:
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


def load(folder: Path, device: torch.device | str) -> ConvTagger:
    """The tagger of a model folder.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    shape = Shape(**config["shape"])
    vocabulary = Vocabulary(**{name: tuple(words) for name, words in config["vocabulary"].items()})
    model = load_into(new(shape, vocabulary), folder, device)
    mel = LogMel(int(config["sample_rate"]), bands=shape.bands)
    return ConvTagger(model, mel, vocabulary, torch.device(device))


def new(shape: Shape, vocabulary: Vocabulary) -> nn.Sequential:
    """An untrained tagger: body, then all heads side by side; random weights from torch's global generator."""
    body = ConvNet(shape.bands, shape.width, shape.depth, shape.features)
    return nn.Sequential(body, nn.Linear(shape.features, sum(vocabulary.heads)))


def train(
    audio_BS: np.ndarray,
    labels: Labels,
    vocabulary: Vocabulary,
    shape: Shape,
    schedule: Schedule,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[ConvTagger, dict[str, Any], list[float]]:
    """Train a tagger on labelled clips.

    Returns:
        The tagger, its config (without an origin) and the loss (1) of every step, nats.
    """
    mel = LogMel(sample_rate, bands=shape.bands)
    mel_BFN = mel.of(audio_BS, device=device)
    genre_B, mood_B = torch.from_numpy(labels.genre_B).to(device), torch.from_numpy(labels.mood_B).to(device)
    instrument_BI = torch.from_numpy(labels.instrument_BI.astype(np.float32)).to(device)
    tempo_B = tempo_class(torch.from_numpy(np.asarray(labels.tempo_B, dtype=np.float32))).to(device)
    functional = nn.functional
    with seeded(schedule.seed):
        model = new(shape, vocabulary).to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            heard_BFN = augment(mel_BFN[rows], generator, gain_decibels=6.0, band_mask=8, frame_mask=24)
            genre, instrument, mood, tempo = model(heard_BFN).float().split(vocabulary.heads, dim=1)
            return (  # (1)
                functional.cross_entropy(genre, genre_B[rows])
                + functional.binary_cross_entropy_with_logits(instrument, instrument_BI[rows])
                + functional.cross_entropy(mood, mood_B[rows])
                + functional.cross_entropy(tempo, tempo_B[rows])
            )

        losses = fit(model, loss_of, len(audio_BS), schedule, progress=progress)
    model.requires_grad_(False)
    config = {
        "role": ROLE,
        "shape": asdict(shape),
        "sample_rate": sample_rate,
        "vocabulary": {name: list(words) for name, words in asdict(vocabulary).items()},
    }
    return ConvTagger(model, mel, vocabulary, device), config, losses


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
