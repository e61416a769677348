"""Training of the tagger on labelled clips, by the sum of its heads' losses:

    (1)  L = CE(genre) + mean BCE(instruments) + CE(mood) + CE(tempo class)

Shape suffixes: B batch, S samples, F bands, N frames, I instruments.
"""

import numpy as np
import torch
from torch import Tensor, nn

from padstal.demo.config import TrainedTagger
from padstal.demo.fit import Progress, fit, seeded
from padstal.demo.lessons import Labels
from padstal.demo.spec_augment import augment
from padstal.foundation.logmel import LogMel
from padstal.foundation.tagger import ConvTagger, Vocabulary, new, tempo_class


def train(
    audio_BS: np.ndarray,
    labels: Labels,
    vocabulary: Vocabulary,
    section: TrainedTagger,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[ConvTagger, list[float]]:
    """Train a tagger on labelled clips.

    Returns:
        The tagger, and the loss (1) of every step, nats.
    """
    mel = LogMel(sample_rate, bands=section.bands)
    mel_BFN = mel.of(audio_BS, device=device)
    genre_B, mood_B = torch.from_numpy(labels.genre_B).to(device), torch.from_numpy(labels.mood_B).to(device)
    instrument_BI = torch.from_numpy(labels.instrument_BI.astype(np.float32)).to(device)
    tempo_B = tempo_class(torch.from_numpy(np.asarray(labels.tempo_B, dtype=np.float32))).to(device)
    functional = nn.functional
    with seeded(section.fit.seed):
        model = new(section, vocabulary).to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            heard_BFN = augment(mel_BFN[rows], generator, gain_decibels=6.0, band_mask=8, frame_mask=24)
            genre, instrument, mood, tempo = model(heard_BFN).float().split(vocabulary.heads, dim=1)
            return (  # (1)
                functional.cross_entropy(genre, genre_B[rows])
                + functional.binary_cross_entropy_with_logits(instrument, instrument_BI[rows])
                + functional.cross_entropy(mood, mood_B[rows])
                + functional.cross_entropy(tempo, tempo_B[rows])
            )

        losses = fit(model, loss_of, len(audio_BS), section.fit, progress=progress)
    model.requires_grad_(False)
    return ConvTagger(model, mel, section, vocabulary, device), losses
