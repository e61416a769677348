"""Training clips as the denoiser sees them: latents, text states and timing, batch by batch.

Shape legend: U unique captions, P real token rows of all of them laid end to end, L text positions, D features.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from padstal.codecs.latents.dataset import LatentDataset
from padstal.core.protocols import TextEncoder, TextStates
from padstal.diffusion.conditioning import Timing
from padstal.training.distributed_shard import WHOLE, DistributedShard


@dataclass(frozen=True)
class CaptionStates:
    """States of unique captions, encoded once; only rows of real tokens are kept, since padding rows are zero anyway.

    Attributes:
        rows_PD: Rows of all captions.
        start: Caption → its first row and its number of rows.
        positions: L.
    """

    rows_PD: torch.Tensor
    start: dict[str, tuple[int, int]]
    positions: int

    @classmethod
    def encode(cls, captions: Iterable[str], encoder: TextEncoder, batch: int = 16) -> "CaptionStates":
        """Encode each distinct caption once, in sorted order.

        Every call of the encoder sees `batch` texts, the last filled up with empty ones: the shapes of its matrix
        products, and so the last bits of a caption's states, do not depend on how many captions there are.
        """
        unique = sorted(set(captions))
        rows: list[torch.Tensor] = []
        start: dict[str, tuple[int, int]] = {}
        position = 0
        for first in range(0, len(unique), batch):
            texts = unique[first : first + batch]
            states = encoder.encode(texts + [""] * (batch - len(texts)))
            for text, state_LD, mask_L in zip(texts, states.states_BLD.cpu(), states.mask_BL.cpu(), strict=False):
                kept = state_LD[mask_L]
                rows.append(kept)
                start[text] = (position, len(kept))
                position += len(kept)
        return cls(torch.cat(rows), start, encoder.max_length)

    def of(self, captions: Sequence[str]) -> TextStates:
        """States [B, L, D], zero at padding, and mask [B, L].

        Raises:
            KeyError: A caption was not encoded.
        """
        states_BLD = torch.zeros(len(captions), self.positions, self.rows_PD.shape[-1])
        mask_BL = torch.zeros(len(captions), self.positions, dtype=torch.bool)
        for number, caption in enumerate(captions):
            first, length = self.start[caption]
            states_BLD[number, :length] = self.rows_PD[first : first + length]
            mask_BL[number, :length] = True
        return TextStates(states_BLD, mask_BL)


@dataclass(frozen=True)
class ClipBatch:
    """One step's clips: normalised latents drawn from their posteriors [B, D, T], text, timing; `step` names it."""

    step: int
    latent_BDT: torch.Tensor
    text: TextStates
    timing: Timing


@dataclass(frozen=True)
class Clips:
    """The clips of one split.

    Attributes:
        latents: Their latents and captions.
        states: States of at least these captions.
        seconds: Clip id → offset in its track and length of its track, seconds.
    """

    latents: LatentDataset
    states: CaptionStates
    seconds: dict[str, tuple[float, float]]

    def batches(
        self, *, batch: int, start: int, stop: int, seed: int, shard: DistributedShard = WHOLE
    ) -> Iterator[ClipBatch]:
        """Batches of steps `start` … `stop` − 1, or a shard of each; a batch depends on seed and step alone."""
        drawn = self.latents.batches(batch=batch, start=start, stop=stop, seed=seed, shard=shard)
        for step, latent in enumerate(drawn, start):
            seconds = [self.seconds[clip_id] for clip_id in latent.clip_ids]
            timing = Timing.of([offset for offset, _ in seconds], [total for _, total in seconds])
            yield ClipBatch(step, latent.latent_BDT, self.states.of(latent.captions), timing)
