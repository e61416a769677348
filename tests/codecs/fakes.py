"""Small models and a text encoder without weights, for the tests of this package."""

import numpy as np
import pandas as pd
import torch

from padstal.codecs.backbones import Spectral
from padstal.codecs.config import AudioVaeConfig, CropForm, TalVaeConfig, TextForm
from padstal.core.data.manifest import ClipAudio
from padstal.core.protocols import TextStates

SPECTRAL = Spectral(width=16, n_fft=64, hop=32, stride=2, depth=1, deep_depth=1)
FRAMES = 16


class FakeTextEncoder:
    """Bytes as ids; states are a fixed random embedding, also at padding."""

    width = 12
    max_length = 10
    vocabulary = 384

    def tokenize(self, texts):
        ids = torch.zeros(len(texts), self.max_length, dtype=torch.int64)
        for row, text in enumerate(texts):
            tokens = [*(byte + 3 for byte in text.encode()[: self.max_length - 1]), 1]
            ids[row, : len(tokens)] = torch.tensor(tokens)
        return ids, ids != 0

    def encode(self, texts):
        ids, mask = self.tokenize(texts)
        table = torch.randn(self.vocabulary, self.width, generator=torch.Generator().manual_seed(0))
        return TextStates(table[ids], mask)


class FakeAudio:
    """Noise clips whose sound depends on the row."""

    form = ClipAudio.form

    def pcm(self, shard, row):
        rng = np.random.default_rng([shard, row])
        return rng.integers(-9000, 9000, (2048, 1), dtype=np.int16)


def rows(count):
    words = ["jazz", "rock", "folk", ""]
    return pd.DataFrame(
        {
            "clip_id": [f"clip{i}" for i in range(count)],
            "shard": 0,
            "row": np.arange(count),
            "caption": [words[i % 4] for i in range(count)],
        }
    )


FORM = CropForm(
    sample_rate=8000,
    channels=1,
    frames=FRAMES,
    text=TextForm(width=FakeTextEncoder.width, max_length=FakeTextEncoder.max_length, vocabulary=384),
)


def audio_vae(channels=5, backbone=SPECTRAL):
    return AudioVaeConfig(latent_channels=channels, backbone=backbone).build(FORM)


def tal_config(**changes):
    values = {
        "backbone": SPECTRAL,
        "shared_width": SPECTRAL.width,
        "private_channels": 4,
        "shared_channels": 3,
        "initial_std": 0.5,
        "z_layout": "resampled",
        "pool_width": 32,
        "text_width": 16,
        "text_heads": 2,
        "text_feedforward": 16,
    }
    return TalVaeConfig(**{**values, **changes})


def tal_vae(**changes):
    return tal_config(**changes).build(FORM)
