"""CLAP similarity of clips and captions: one window a clip, each distinct caption embedded once.

Shape suffixes: N clips, S samples, D features.
"""

import numpy as np

from padstal.core.protocols import AudioTextEmbedder


def centre_window(audio_BS: np.ndarray, samples: int) -> np.ndarray:
    """The middle `samples` samples of each clip [B, samples]; shorter clips are repeated first ("repeat-pad")."""
    length = audio_BS.shape[1]
    if length < samples:
        return np.tile(audio_BS, (1, -(-samples // length)))[:, :samples]
    start = (length - samples) // 2
    return audio_BS[:, start : start + samples]


class TextEmbeddings:
    """Embeddings of captions; a caption that many clips share is embedded once."""

    def __init__(self, embedder: AudioTextEmbedder, *, batch: int):
        self._embedder = embedder
        self._batch = batch
        self._known: dict[str, np.ndarray] = {}

    def add(self, texts: list[str]) -> None:
        """Embed the texts not yet known, sorted, so that batches do not depend on the clips' order; "" has none."""
        new = sorted({text for text in texts if text} - self._known.keys())
        for start in range(0, len(new), self._batch):
            chunk = new[start : start + self._batch]
            self._known.update(zip(chunk, self._embedder.embed_text(chunk), strict=True))

    def of(self, texts: list[str], features: int) -> np.ndarray:
        """Embeddings [N, D]; NaN where a text is empty."""
        self.add(texts)
        missing_D = np.full(features, np.nan, dtype=np.float32)
        return np.stack([self._known.get(text, missing_D) for text in texts]) if texts else np.zeros((0, features))

    def __len__(self) -> int:
        return len(self._known)


def cosine(a_ND: np.ndarray, b_ND: np.ndarray) -> np.ndarray:
    """Cosine [N] of unit-norm rows, in float64; NaN where a row is."""
    return (a_ND.astype(np.float64) * b_ND.astype(np.float64)).sum(axis=1)


def shuffled_cosine(audio_ND: np.ndarray, text_ND: np.ndarray) -> np.ndarray:
    """Cosines of clips with captions of other clips, at ten distances in the table: the scale of "does not fit".

    NaN rows of `text_ND` are left out.
    """
    present = np.isfinite(text_ND).all(axis=1)
    audio_ND, text_ND = audio_ND[present], text_ND[present]
    n = len(text_ND)
    shifts = sorted({(k * n) // 11 for k in range(1, 11)} - {0}) if n > 1 else []
    return (
        np.concatenate([cosine(audio_ND, np.roll(text_ND, shift, axis=0)) for shift in shifts])
        if shifts
        else np.zeros(0)
    )
