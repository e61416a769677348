"""Training of the small CLAP: symmetric InfoNCE (Wu et al. 2023) of clips and captions that are new each time.

    (1)  L = ½·CE(s·A Tᵀ, i) + ½·CE(s·T Aᵀ, i),   A, T unit rows, s a learned scale

Shape suffixes: B batch, S samples, F mel bands, N frames, D features of the joint space.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.demo.config import TrainedClap
from padstal.demo.fit import Progress, fit, seeded
from padstal.demo.spec_augment import augment
from padstal.foundation.clap import SmallClap, audio_features, log_mel, new, text_features, text_ids

LOGIT_LIMIT = 100.0


def train(
    audio_BS: np.ndarray,
    caption_of: Callable[[int, np.random.Generator], str],
    section: TrainedClap,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[SmallClap, list[float]]:
    """Train a small CLAP.

    Args:
        audio_BS: One window a clip, mono.
        caption_of: A true caption of clip `row`, each time another if it likes.
        section: Size of the model, and how it is trained.
        sample_rate: Hz.
        device: Where to train.
        progress: Wraps the range of steps.

    Returns:
        The model, and the loss (1) of every step, nats.
    """
    window = audio_BS.shape[1]
    mel = log_mel(section, sample_rate, window)
    mel_BFN = mel.of(audio_BS, device=device)
    words = np.random.default_rng(section.fit.seed)
    with seeded(section.fit.seed):
        model: Any = new(section, sample_rate).to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            heard_BFN = augment(mel_BFN[rows], generator, gain_decibels=6.0, band_mask=8, frame_mask=24)
            texts = [caption_of(int(row), words) for row in rows]
            text_BD = text_features(model, text_ids(texts, section.text_length).to(device))
            return info_nce(audio_features(model, heard_BFN), text_BD, model.logit_scale_a)

        losses = fit(model, loss_of, len(audio_BS), section.fit, progress=progress)
    model.requires_grad_(False)
    return SmallClap(model, mel, section, window, device), losses


def info_nce(audio_BD: Tensor, text_BD: Tensor, log_scale: Tensor) -> Tensor:
    """Symmetric InfoNCE (1), nats; row i of both belongs together."""
    logits_BB = log_scale.exp().clamp(max=LOGIT_LIMIT) * audio_BD @ text_BD.T
    own_B = torch.arange(len(logits_BB), device=logits_BB.device)
    cross_entropy = nn.functional.cross_entropy
    return 0.5 * cross_entropy(logits_BB, own_B) + 0.5 * cross_entropy(logits_BB.T, own_B)  # (1)
