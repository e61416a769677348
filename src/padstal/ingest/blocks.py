"""Audio in blocks: each is fetched from far memory once, and stays near while several passes are made over it."""

from collections.abc import Iterator

import numpy as np

BLOCK = 2**16
"""Samples that fit into a processor's nearer cache."""


def blocks(audio_SC: np.ndarray) -> Iterator[np.ndarray]:
    """Views of neighbouring stretches [≤ `BLOCK` / C, C]; arrays of one shape fall into the same ones."""
    step = BLOCK // audio_SC.shape[1]
    return (audio_SC[start : start + step] for start in range(0, len(audio_SC), step))
