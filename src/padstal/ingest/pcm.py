"""Audio as clips keep it: int16."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest.blocks import blocks


@dataclass(frozen=True)
class Pcm:
    """A clip's samples and what is made of them as they are.

    Attributes:
        samples_SC: int16 [S, C].
        clip_id: Their address.
        peak, squares: Largest magnitude; sum of squares.
    """

    samples_SC: np.ndarray
    clip_id: str
    peak: int
    squares: int


def pcm_of(audio_SC: np.ndarray, gain: np.float32, *, track_id: str, offset_samples: int) -> Pcm:
    """A clip float32 [S, C] times `gain`, quantised.

    Args:
        audio_SC: C-contiguous.
        gain: Factor.
        track_id, offset_samples: The track that it was cut from and where.
    """
    samples_SC = np.empty(audio_SC.shape, np.int16)
    peaks, squares = [0], [0]
    scale = gain * np.float32(2**15)

    def quantised() -> Iterator[memoryview]:
        for source_SC, block_SC in zip(blocks(audio_SC), blocks(samples_SC), strict=True):
            np.clip(np.rint(source_SC * scale), -(2**15), 2**15 - 1, out=block_SC, casting="unsafe")
            wide_SC = block_SC.astype(np.int32)
            peaks.append(int(np.abs(wide_SC).max()))
            squares.append(int(np.square(wide_SC).sum(dtype=np.int64)))
            yield bytes_of(block_SC)

    clip_id = address_of_clip(quantised(), samples_SC.shape, track_id, offset_samples)
    return Pcm(samples_SC, clip_id, max(peaks), sum(squares))
