"""Audio in blocks, each of which is fetched from far memory once; and room for audio, beyond a length on disk.

A long track's samples lie in a file without a name that is mapped into memory. What was worked on is given back, block
by block, so that only little of it is in memory at a time.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BLOCK = 2**16
"""Samples that fit into a processor's nearer cache."""
MOST_IN_MEMORY = 2**28
"""Bytes: 12 minutes in stereo at 44.1 kHz."""


def blocks(audio_SC: np.ndarray) -> Iterator[np.ndarray]:
    """Views of neighbouring stretches [≤ `BLOCK` / C, C]; arrays of one shape fall into the same ones."""
    step = BLOCK // audio_SC.shape[1]
    for start in range(0, len(audio_SC), step):
        yield audio_SC[start : start + step]
        release(audio_SC)


def room(samples: int, channels: int, folder: Path | None = None) -> np.ndarray:
    """float32 [samples, channels] to be filled: in memory, or if long in `folder` (None: where temporary files go).

    Raises:
        OSError: No space is left there.
    """
    length = samples * channels * 4
    if length <= MOST_IN_MEMORY:
        return np.empty((samples, channels), np.float32)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, length)  # else a full disk would kill the process at some later write
        return np.asarray(np.memmap(file, np.float32, "r+", shape=(samples, channels)))


def release(audio_SC: np.ndarray) -> None:
    """Let the memory go that holds what of `audio_SC` lies on disk; nothing is lost."""
    base = audio_SC.base
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
