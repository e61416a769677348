"""Training batches of an autoencoder: random crops of clips with their captions, a function of seed and step alone.

Shape suffixes: B batch, C audio channels, S samples of a crop, L text positions, D features of a text state.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from padstal.core.data.manifest import ClipAudio
from padstal.core.protocols import TextEncoder, TextStates
from padstal.training.batch_order import BatchOrder
from padstal.training.distributed_shard import WHOLE, DistributedShard

CROP_STREAM = 1


@dataclass(frozen=True)
class Texts:
    """Encoded captions: what the text encoders read, and the token ids that the text decoder is to give back."""

    states: TextStates
    ids_BL: torch.Tensor

    def to(self, device: torch.device) -> "Texts":
        states = TextStates(self.states.states_BLD.to(device), self.states.mask_BL.to(device))
        return Texts(states, self.ids_BL.to(device))


class CaptionTable:
    """Captions through the frozen text encoder, each distinct one once (`precompute`) or at every use."""

    def __init__(self, encoder: TextEncoder, captions: Iterable[str], *, precompute: bool):
        self._encoder = encoder
        self._row = {caption: row for row, caption in enumerate(sorted(set(captions)))} if precompute else {}
        self._all = self._encode(list(self._row)) if self._row else None

    def batch(self, captions: list[str]) -> Texts:
        """The texts of a batch."""
        if self._all is None:
            return self._encode(captions)
        rows = torch.tensor([self._row[caption] for caption in captions])
        states = TextStates(self._all.states.states_BLD[rows], self._all.states.mask_BL[rows])
        return Texts(states, self._all.ids_BL[rows])

    def _encode(self, captions: list[str]) -> Texts:
        states = self._encoder.encode(captions)
        ids_BL, _ = self._encoder.tokenize(captions)
        return Texts(TextStates(states.states_BLD.cpu(), states.mask_BL.cpu()), ids_BL.cpu())


@dataclass(frozen=True)
class ClipBatch:
    """One step's crops: its number, audio [B, C, S] float32, and texts (None for the audio-only autoencoder)."""

    step: int
    clip_ids: list[str]
    audio_BCS: torch.Tensor
    texts: Texts | None

    def to(self, device: torch.device) -> "ClipBatch":
        texts = self.texts.to(device) if self.texts else None
        return ClipBatch(self.step, self.clip_ids, self.audio_BCS.to(device), texts)


@dataclass(frozen=True)
class Clips:
    """Clips to train on.

    Attributes:
        rows: Their manifest rows (`clip_id`, `shard`, `row`, `caption`), in a fixed order, and `weight`, if some are
            to be drawn more often than others.
        audio: Where their samples lie.
        captions: Their texts; None for the audio-only autoencoder.
    """

    rows: pd.DataFrame
    audio: ClipAudio
    captions: CaptionTable | None

    def batches(
        self, *, batch: int, crop: int, start: int, stop: int, seed: int, shard: DistributedShard = WHOLE
    ) -> Iterator[ClipBatch]:
        """Batches of steps `start` … `stop` − 1, random crops of `crop` samples; a step does not depend on `start`.

        Of each batch of `batch` clips come those of `shard`.
        """
        weight_N = self.rows["weight"].to_numpy(np.float64) if "weight" in self.rows else None
        order = BatchOrder(len(self.rows), batch, seed, weight_N)
        for step in range(start, stop):
            offsets = np.random.default_rng([seed, step, CROP_STREAM])
            yield self._batch(step, order.items(step), crop, offsets, shard)

    def first(self, count: int, crop: int) -> ClipBatch:
        """The beginnings of the first `count` clips (all, if there are fewer)."""
        return self._batch(0, np.arange(min(count, len(self.rows))), crop, None, WHOLE)

    def _batch(
        self, step: int, items: np.ndarray, crop: int, offsets: np.random.Generator | None, shard: DistributedShard
    ) -> ClipBatch:
        chosen = self.rows.iloc[items]
        own = shard.place(len(items))
        crops = []
        for place, (file, row) in enumerate(zip(chosen["shard"], chosen["row"], strict=True)):
            pcm_SC = self.audio.pcm(int(file), int(row))
            room = len(pcm_SC) - crop
            if room < 0:
                raise ValueError(f"a clip of {len(pcm_SC)} samples is shorter than the crop of {crop} samples")
            at = int(offsets.integers(0, room + 1)) if offsets is not None else 0
            if own.start <= place < own.stop:
                crops.append(pcm_SC[at : at + crop].T)
        audio = torch.from_numpy(np.stack(crops).astype(np.float32) / 32768.0)
        texts = self.captions.batch(chosen["caption"].iloc[own].fillna("").tolist()) if self.captions else None
        return ClipBatch(step, chosen["clip_id"].iloc[own].tolist(), audio, texts)


def splits_of(dataset: pd.DataFrame, audio: ClipAudio, captions: CaptionTable | None) -> dict[str, Clips]:
    """The clips of each split of a curated data set."""
    groups = dataset.groupby("split", sort=True)
    return {str(split): Clips(rows.reset_index(drop=True), audio, captions) for split, rows in groups}
