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
    from padstal.ingest.kernels import peak_and_squares, quantise

    samples_SC = np.empty(audio_SC.shape, np.int16)
    levels: list[tuple[int, int]] = []

    def quantised() -> Iterator[memoryview]:
        for source_SC, block_SC in zip(blocks(audio_SC), blocks(samples_SC), strict=True):
            quantise(source_SC, gain, block_SC)
            levels.append(peak_and_squares(block_SC))
            yield bytes_of(block_SC)

    clip_id = address_of_clip(quantised(), samples_SC.shape, track_id, offset_samples)
    peaks, squares = zip(*levels, strict=True)
    return Pcm(samples_SC, clip_id, max(peaks), sum(squares))
