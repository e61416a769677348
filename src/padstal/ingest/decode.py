"""An audio file to float32 samples, or the reason why not.

The container is checked whole before anything is decoded, and decoding stops at the length that it promised, which the
limits bound. There is one decoder for each kind of file and none to fall back on, so that every machine rejects the
same files.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from padstal.ingest import ffmpeg, rejection, sndfile
from padstal.ingest.blocks import blocks
from padstal.ingest.container_info import Limits
from padstal.ingest.containers import contents
from padstal.ingest.rejection import RejectedError

LARGEST_SAMPLE = 16.0
"""Float files may pass full scale a little; this is 24 dB over."""
SNDFILE = ("wav", "aiff")


@dataclass(frozen=True)
class Decoded:
    """Samples of one file.

    Attributes:
        audio_SC: float32 [S, C].
        sample_rate: Hz.
        container: "wav", "aiff", "flac", "ogg", "mp3", "aac" or "m4a".
        repairs: What was wrong with the file and put right or passed over.
    """

    audio_SC: np.ndarray
    sample_rate: int
    container: str
    repairs: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.audio_SC) / self.sample_rate


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """A regular file, opened without following a symbolic link and without waiting for a pipe's writer.

    Raises:
        RejectedError: `not_regular` for links, pipes, devices and folders; `unreadable` where permission is lacking.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        kind = rejection.NOT_REGULAR if path.is_symlink() else rejection.UNREADABLE
        raise RejectedError(kind, "a symbolic link" if path.is_symlink() else os.strerror(error.errno or 0)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RejectedError(rejection.NOT_REGULAR, "a pipe, device, socket or folder")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def decode(path: Path, *, min_seconds: float, max_seconds: float, scratch: Path | None = None) -> Decoded:
    """The whole of `path`.

    Args:
        path: A regular file of WAV, FLAC, OGG, MP3, AAC, ALAC or AIFF content, whatever its name.
        min_seconds, max_seconds: Durations allowed.
        scratch: Folder for the samples of long tracks.

    Raises:
        RejectedError: With one of the reasons of `rejection` from `not_regular` to `range`.
    """
    with open_regular(path) as file:
        found = contents(file)
        read = sndfile.read if found.container in SNDFILE else ffmpeg.read
        audio_SC, rate, noted = read(file, found, Limits(min_seconds, max_seconds, scratch))
    _check_samples(audio_SC)
    return Decoded(audio_SC, rate, found.container, found.repairs + noted)


def _check_samples(audio_SC: np.ndarray) -> None:
    wrong, peak = 0, 0.0
    for block_SC in blocks(audio_SC):
        own = float(max(block_SC.max(), -block_SC.min()))  # NaN passes through both
        if np.isfinite(own):
            peak = max(peak, own)
        else:
            wrong += block_SC.size - np.count_nonzero(np.isfinite(block_SC))
    if wrong:
        raise RejectedError(rejection.NONFINITE, f"{wrong} samples are NaN or infinite")
    if peak > LARGEST_SAMPLE:
        raise RejectedError(
            rejection.RANGE, f"its peak is {peak:.3g} times full scale: expected at most {LARGEST_SAMPLE:g}"
        )
