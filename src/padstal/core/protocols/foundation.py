"""What the parts of padstal ask of foundation models: they read text, hear audio and say what they heard.

Shape suffixes: B batch, S samples, L text positions, D features.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TextStates:
    """Encoded texts, padded to a fixed length.

    Attributes:
        states_BLD: Last hidden states, float32. Rows at padding are whatever the encoder gives; conditioners zero them.
        mask_BL: True at real tokens, the end-of-sequence token among them.
    """

    states_BLD: "torch.Tensor"
    mask_BL: "torch.Tensor"


class TextEncoder(Protocol):
    """A frozen text encoder of the T5 family."""

    @property
    def width(self) -> int:
        """D, features of a state."""
        ...

    @property
    def max_length(self) -> int:
        """L, positions that every text is padded or cut to."""
        ...

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""
        ...

    def tokenize(self, texts: list[str]) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Token ids [B, L] (int64, padding id at padding) and mask [B, L] (bool)."""
        ...

    def encode(self, texts: list[str]) -> TextStates:
        """States and mask of `texts`."""
        ...


class AudioTextEmbedder(Protocol):
    """CLAP: audio and text in one space. Embeddings are float32 NumPy arrays of unit norm."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def window_seconds(self) -> float:
        """Length of audio that one embedding sees; longer clips are cut into windows by the caller."""
        ...

    def embed_audio(self, audio_BS: np.ndarray) -> np.ndarray:
        """Embeddings [B, D] of mono float32 audio in [−1, 1] at `sample_rate`."""
        ...

    def embed_text(self, texts: list[str]) -> np.ndarray:
        """Embeddings [B, D]."""
        ...

    def hears_whole(self, texts: list[str]) -> list[bool]:
        """Whether each text is embedded to its end, or cut at the text tower's length."""
        ...


class QualityScorer(Protocol):
    """p-MOS: predicted mean opinion score, 1 (bad) to 5 (excellent)."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    def score(self, audio_BS: np.ndarray) -> np.ndarray:
        """p-MOS [B] (float32) of mono float32 audio."""
        ...


class AudioEmbedder(Protocol):
    """What a metric is taken of: features of a clip's windows, or its posterior over classes, as its only window."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def reads_channels(self) -> bool:
        """Whether left and right are heard, and their features laid side by side (of mono too); else it hears mono."""
        ...

    def embed(self, audio_BCS: np.ndarray) -> np.ndarray:
        """Features [B, W, D] (float32) of float32 audio in [−1, 1] at `sample_rate`."""
        ...


@dataclass(frozen=True)
class Tags:
    """What a tagger hears.

    Attributes:
        genre_BG: Posterior over `Tagger.genres`; rows sum to 1.
        instrument_BI: Independent posteriors of `Tagger.instruments`.
        mood_BM: Posterior over `Tagger.moods`; rows sum to 1.
        tempo_B: Beats per minute.
    """

    genre_BG: np.ndarray
    instrument_BI: np.ndarray
    mood_BM: np.ndarray
    tempo_B: np.ndarray


class Tagger(Protocol):
    """Genre, instruments, mood and tempo of a clip; its genre posterior also gives KL and the inception score."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def genres(self) -> tuple[str, ...]:
        """Names of the genres, in the order of `Tags.genre_BG`."""
        ...

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments, in the order of `Tags.instrument_BI`."""
        ...

    @property
    def moods(self) -> tuple[str, ...]:
        """Names of the moods, in the order of `Tags.mood_BM`."""
        ...

    def tag(self, audio_BS: np.ndarray) -> Tags:
        """Tags of mono float32 audio."""
        ...


class Captioner(Protocol):
    """F_cap of QA-MDT: a caption from audio alone."""

    @property
    def licence(self) -> str:
        """Licence that its captions come under, whatever the music's; "" where they are nobody's work."""
        ...

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    def caption(self, audio_BS: np.ndarray) -> list[str]:
        """One caption a clip of mono float32 audio."""
        ...
