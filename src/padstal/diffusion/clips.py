"""Training clips as the denoiser sees them: latents, text states and timing, batch by batch.

Shape legend: U unique captions, P real token rows of all of them laid end to end, L text positions, D features.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.atomic import atomic_folder
from padstal.core.data.row_file import RowFile
from padstal.core.file_lock import file_lock
from padstal.core.progress import Progress, silent
from padstal.core.protocols import Attributes, TextEncoder, TextStates
from padstal.training.distributed_shard import WHOLE, DistributedShard

ATTRIBUTES = {"seconds_start": "offset_seconds", "seconds_total": "track_seconds", "quality": "quality_level"}
"""Attribute → the column of the curated data set that holds it."""
ROWS, EDGES = "rows.npy", "edges.npy"
"""Files of captions' states: rows [P, D], and where each caption's begin [U + 1]."""


@dataclass(frozen=True)
class CaptionStates:
    """States of unique captions, encoded once; only rows of real tokens are kept, since padding rows are zero anyway.

    Attributes:
        rows_PD: Rows of all captions, float32, in memory or on disk.
        number: Caption → its number.
        edges_U: Where each caption's rows begin, and the last one's end [U + 1].
        positions: L.
    """

    rows_PD: np.ndarray | RowFile
    number: dict[str, int]
    edges_U: np.ndarray
    positions: int

    @classmethod
    def encode(
        cls,
        captions: Iterable[str],
        encoder: TextEncoder,
        batch: int = 16,
        *,
        file: Path | None = None,
        progress: Progress = silent,
    ) -> "CaptionStates":
        """Encode each distinct caption once, in sorted order; their rows go into `file`, or stay in memory.

        Every call of the encoder sees `batch` texts, the last filled up with empty ones: the shapes of its matrix
        products, and so the last bits of a caption's states, do not depend on how many captions there are.
        """
        unique = sorted(set(captions))
        parts = [unique[first : first + batch] for first in range(0, len(unique), batch)]
        lengths = [encoder.tokenize(texts)[1].sum(1).cpu().numpy() for texts in parts]
        edges_U = np.cumsum([0, *np.concatenate(lengths)])
        shape = (int(edges_U[-1]), encoder.width)
        rows_PD = RowFile.create(file, shape, np.float32) if file else np.zeros(shape, np.float32)
        position = 0
        for texts in progress(parts, total=len(parts), unit="batch"):
            states = encoder.encode(texts + [""] * (batch - len(texts)))
            own_PD = states.states_BLD[: len(texts)][states.mask_BL[: len(texts)]].cpu().numpy()
            rows_PD[position : position + len(own_PD)] = own_PD
            position += len(own_PD)
        return cls(rows_PD, _numbered(unique), edges_U, encoder.max_length)

    @classmethod
    def kept(
        cls, folder: Path, captions: Iterable[str], encoder: TextEncoder, made_by: str, progress: Progress = silent
    ) -> "CaptionStates":
        """As `encode`, on disk: the first process that asks encodes, others and later ones read what it wrote.

        Args:
            folder: Where files of all captions lie.
            captions: All, in any order and number.
            encoder: Encodes them.
            made_by: Names the encoder and its code.
            progress: Wraps the batches.
        """
        unique = sorted(set(captions))
        digest = hashlib.sha256(made_by.encode())
        for caption in unique:
            digest.update(b"\0" + caption.encode())
        own = folder / f"captions-{digest.hexdigest()}"
        if not own.is_dir():  # a reader of what is there needs no lock
            with file_lock(folder / "captions.lock"):
                if not own.is_dir():
                    with atomic_folder(own) as temporary:
                        made = cls.encode(unique, encoder, file=temporary / ROWS, progress=progress)
                        np.save(temporary / EDGES, made.edges_U)
        return cls(RowFile(own / ROWS), _numbered(unique), np.load(own / EDGES), encoder.max_length)

    def of(self, captions: Sequence[str]) -> TextStates:
        """States [B, L, D], zero at padding, and mask [B, L].

        Raises:
            KeyError: A caption was not encoded.
        """
        states_BLD = torch.zeros(len(captions), self.positions, self.rows_PD.shape[-1])
        mask_BL = torch.zeros(len(captions), self.positions, dtype=torch.bool)
        for place, caption in enumerate(captions):
            number = self.number[caption]
            own_LD = self.rows_PD[self.edges_U[number] : self.edges_U[number + 1]]
            states_BLD[place, : len(own_LD)] = torch.from_numpy(own_LD)
            mask_BL[place, : len(own_LD)] = True
        return TextStates(states_BLD, mask_BL)


def _numbered(captions: Sequence[str]) -> dict[str, int]:
    return {caption: number for number, caption in enumerate(captions)}


@dataclass(frozen=True)
class ClipBatch:
    """One step's clips: normalised latents drawn from their posteriors [B, D, …], text, attributes; `step` names it."""

    step: int
    clip_ids: list[str]
    latent_BD: torch.Tensor
    text: TextStates
    attributes: Attributes

    def to(self, device: torch.device) -> "ClipBatch":
        text = TextStates(self.text.states_BLD.to(device), self.text.mask_BL.to(device))
        attributes = {name: own_B.to(device) for name, own_B in self.attributes.items()}
        return ClipBatch(self.step, self.clip_ids, self.latent_BD.to(device), text, attributes)


@dataclass(frozen=True)
class Clips:
    """The clips of one split.

    Attributes:
        latents: Their latents and captions.
        states: States of at least these captions.
        attributes: A column an attribute, a row a clip, by clip id.
        texts: What is told of a clip, by clip id.
    """

    latents: LatentDataset
    states: CaptionStates
    attributes: pd.DataFrame
    texts: pd.Series

    def batches(
        self, *, batch: int, start: int, stop: int, seed: int, shard: DistributedShard = WHOLE
    ) -> Iterator[ClipBatch]:
        """Batches of steps `start` … `stop` − 1, or a shard of each; a batch depends on seed and step alone."""
        drawn = self.latents.batches(batch=batch, start=start, stop=stop, seed=seed, shard=shard)
        for step, latent in enumerate(drawn, start):
            known = self.attributes.loc[latent.clip_ids]
            if latent.start_B is not None and "seconds_start" in known:
                known = known.assign(seconds_start=known["seconds_start"].to_numpy() + latent.start_B)
            attributes = {str(name): torch.from_numpy(own.to_numpy(np.float32)) for name, own in known.items()}
            text = self.states.of(self.texts.loc[latent.clip_ids].tolist())
            yield ClipBatch(step, latent.clip_ids, latent.latent_BD, text, attributes)


class StaleCaptionsError(ValueError):
    """Clips have another caption than their latents were made with, which may encode it (z_p does)."""


def with_latents(
    dataset: pd.DataFrame, store: LatentStore, *, captions: str = "refined", prefix: bool = False
) -> pd.DataFrame:
    """The curated clips that have latents, in the latents' order and splits; "" where a caption is missing.

    `text` is what a denoiser is told of each: the refined, original or generated caption, after the quality's prefix if
    `prefix` (QA-MDT 4.1, table 1).

    Raises:
        StaleCaptionsError: Some were captioned anew since.
    """
    both = store.index.merge(dataset, on="clip_id", how="left", suffixes=("_latent", ""))
    refined = both["caption"].fillna("")
    stale = both[refined != both["caption_latent"].fillna("")]
    if len(stale):
        raise StaleCaptionsError(
            f"{len(stale)} clips have another caption than their latents were made with, "
            f"e.g. {', '.join(stale['clip_id'].head(3))}"
        )
    texts = refined if captions == "refined" else both[captions].fillna("")
    if prefix:
        texts = [prefixed(*told) for told in zip(texts, both["prefix"].fillna(""), strict=True)]
    return both.assign(caption=refined, text=texts, split=both["split_latent"])


def prefixed(caption: str, prefix: str) -> str:
    """ "high quality, slow jazz"; one of both where the other is empty."""
    return ", ".join(part for part in (prefix, caption) if part)


def levels_of(dataset: pd.DataFrame, *, prefix: bool) -> dict[int, str]:
    """Quality level that clips have → the prefix that most of them have, "" without `prefix`."""
    known = dataset[dataset["quality_level"] > 0]
    found = {int(level): str(own.mode()[0]) for level, own in known.groupby("quality_level")["prefix"]}
    return found if prefix else dict.fromkeys(found, "")


def splits_of(
    dataset: pd.DataFrame,
    store: LatentStore,
    statistics: LatentStatistics,
    states: CaptionStates,
    crop: int | None = None,
) -> dict[str, Clips]:
    """The clips of training and validation split, drawn by curation's `weight` if `dataset` (`with_latents`) has it.

    Of each, `crop` latent frames are cut out at random; `None` for whole clips.
    """
    by_id = dataset.set_index("clip_id")
    attributes = pd.DataFrame({name: by_id[column] for name, column in ATTRIBUTES.items() if column in by_id})
    weights = by_id.get("weight")
    splits = {}
    for split in ("train", "validation"):
        if (store.index["split"] == split).any():
            part = store.only(split)
            weight_N = None if weights is None else weights.loc[part.index["clip_id"]].to_numpy(np.float64)
            splits[split] = Clips(LatentDataset(part, statistics, weight_N, crop), states, attributes, by_id["text"])
    return splits
