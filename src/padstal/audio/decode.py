"""An audio file to float32 samples, or the reason why not.

The header is checked before anything is decoded, samples are read in blocks up to a limit (`SoundFile.blocks` would
invent samples where a file is cut), and there is no fallback decoder, so that every machine rejects the same files.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from padstal.audio import rejection
from padstal.audio.containers import missing_bytes, sniff
from padstal.audio.rejection import RejectedError

if TYPE_CHECKING:
    import soundfile

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
MOST_CHANNELS = 2
LARGEST_SAMPLE = 16.0
"""Float files may pass full scale a little; this is 24 dB over."""
BLOCK_FRAMES = 65_536


@dataclass(frozen=True)
class Decoded:
    """Samples of one file.

    Attributes:
        audio_SC: float32 [S, C].
        sample_rate: Hz.
        container: "wav", "flac", "ogg", "mp3" or "aiff".
    """

    audio_SC: np.ndarray
    sample_rate: int
    container: str

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


def decode(path: Path, *, min_seconds: float, max_seconds: float) -> Decoded:
    """The whole of `path`.

    Args:
        path: A regular file of WAV, FLAC, OGG, MP3 or AIFF content, whatever its name.
        min_seconds, max_seconds: Durations allowed.

    Raises:
        RejectedError: With one of the reasons of `rejection` from `not_regular` to `range`.
    """
    import soundfile

    with open_regular(path) as file:
        head = file.read(12)
        if not head:
            raise RejectedError(rejection.EMPTY, "0 bytes")
        container = sniff(head)
        if container is None:
            raise RejectedError(rejection.FORMAT, f"starts with {head!r}: expected WAV, FLAC, OGG, MP3 or AIFF")
        lack = missing_bytes(file, container)
        if lack:
            raise RejectedError(rejection.TRUNCATED, lack)
        file.seek(0)
        try:
            with soundfile.SoundFile(file) as sound:
                _check_header(sound, min_seconds, max_seconds)
                audio_SC = _read(sound, round(max_seconds * sound.samplerate))
                rate, declared = sound.samplerate, sound.frames
        except soundfile.LibsndfileError as error:
            raise RejectedError(rejection.UNREADABLE, str(error.error_string).strip()) from None
    if len(audio_SC) != declared:
        raise RejectedError(rejection.TRUNCATED, f"the header says {declared} frames, {len(audio_SC)} decode")
    _check_samples(audio_SC)
    return Decoded(audio_SC, rate, container)


def _check_header(sound: "soundfile.SoundFile", min_seconds: float, max_seconds: float) -> None:
    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        raise RejectedError(rejection.SAMPLE_RATE, f"{sound.samplerate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE}")
    if not 1 <= sound.channels <= MOST_CHANNELS:
        raise RejectedError(rejection.CHANNELS, f"{sound.channels} channels: expected 1 to {MOST_CHANNELS}")
    seconds = sound.frames / sound.samplerate
    if sound.frames == 0:
        raise RejectedError(rejection.EMPTY, "no frames")
    if seconds < min_seconds:
        raise RejectedError(rejection.TOO_SHORT, f"{seconds:.3f} s: expected at least {min_seconds} s")
    if seconds > max_seconds:
        raise RejectedError(rejection.TOO_LONG, f"{seconds:.3f} s: expected at most {max_seconds} s")


def _read(sound: "soundfile.SoundFile", limit: int) -> np.ndarray:
    """All frames [S, C], block by block; what a header promises is never allocated ahead."""
    blocks: list[np.ndarray] = []
    frames = 0
    while True:
        block = sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        if not len(block):
            return np.concatenate(blocks) if blocks else np.zeros((0, sound.channels), np.float32)
        blocks.append(block)
        frames += len(block)
        if frames > limit + BLOCK_FRAMES:
            raise RejectedError(rejection.TOO_LONG, f"more than {frames} frames: longer than its header says")


def _check_samples(audio_SC: np.ndarray) -> None:
    finite = np.isfinite(audio_SC)
    if not finite.all():
        raise RejectedError(rejection.NONFINITE, f"{int((~finite).sum())} samples are NaN or infinite")
    peak = float(np.abs(audio_SC).max())
    if peak > LARGEST_SAMPLE:
        raise RejectedError(rejection.RANGE, f"peak {peak:.3g}: expected at most {LARGEST_SAMPLE}")
