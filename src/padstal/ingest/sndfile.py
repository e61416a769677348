"""WAV, Wave64, AIFF and FLAC by libsndfile, which decodes them fastest.

Blocks are read by hand: `SoundFile.blocks` would invent samples where a file is cut.
"""

import hashlib
import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.container_info import Contents, check_form, check_length
from padstal.ingest.rejection import RejectedError

if TYPE_CHECKING:
    import soundfile

BLOCK_FRAMES = 65_536
WHOLE_BYTES = (8, 16, 24)
"""Bits of FLAC whose MD5 is checked."""


def read(file: BinaryIO, found: Contents, *, min_seconds: float, max_seconds: float) -> tuple[np.ndarray, int]:
    """Samples float32 [S, C] and sample rate of a file whose container was found whole.

    Raises:
        RejectedError: `unreadable`, `sample_rate`, `channels`, `empty`, `too_short`, `too_long`, `too_large`,
            `truncated` or `damaged`.
    """
    import soundfile

    os.lseek(file.fileno(), 0, os.SEEK_SET)
    try:
        with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            check_form(sound.samplerate, sound.channels)
            check_length(
                sound.frames, sound.samplerate, sound.channels, min_seconds=min_seconds, max_seconds=max_seconds
            )
            audio_SC = _checked(sound, found) if found.md5 and found.bits in WHOLE_BYTES else _floats(sound)
            rate, declared = sound.samplerate, sound.frames
    except soundfile.LibsndfileError as error:
        raise RejectedError(rejection.UNREADABLE, f"libsndfile: {str(error.error_string).strip()}") from None
    if len(audio_SC) != declared:
        raise RejectedError(rejection.TRUNCATED, f"the header says {declared} frames, {len(audio_SC)} decode")
    return audio_SC, rate


def _floats(sound: "soundfile.SoundFile") -> np.ndarray:
    audio_SC = np.empty((sound.frames, sound.channels), np.float32)  # memory is taken as it is written to
    at = 0
    while at < len(audio_SC):
        block_SC = sound.read(dtype="float32", always_2d=True, out=audio_SC[at : at + BLOCK_FRAMES])
        if not len(block_SC):
            break
        at += len(block_SC)
    return audio_SC[:at]


def _checked(sound: "soundfile.SoundFile", found: Contents) -> np.ndarray:
    """As `_floats`, from integers whose MD5 is taken on the way.

    Raises:
        RejectedError: `damaged` where the MD5 is another.
    """
    audio_SC = np.empty((sound.frames, sound.channels), np.float32)
    kind, scale = ("int16", 2.0**-15) if found.bits <= 16 else ("int32", 2.0**-31)
    block_SC = np.empty((BLOCK_FRAMES, sound.channels), kind)
    digest, at = hashlib.md5(usedforsecurity=False), 0
    while at < len(audio_SC):
        read_SC = sound.read(dtype=kind, always_2d=True, out=block_SC[: len(audio_SC) - at])
        if not len(read_SC):
            return audio_SC[:at]
        np.multiply(read_SC, np.float32(scale), out=audio_SC[at : at + len(read_SC)], dtype=np.float32)
        digest.update(_packed(read_SC, found.bits).data)
        at += len(read_SC)
    if digest.digest() != found.md5:
        raise RejectedError(rejection.DAMAGED, "its samples do not have the MD5 that its header states")
    return audio_SC


def _packed(samples_SC: np.ndarray, bits: int) -> np.ndarray:
    """Samples as FLAC's MD5 takes them: little-endian integers of `bits`."""
    if bits == 16:
        return np.ascontiguousarray(samples_SC, "<i2")
    if bits == 8:
        return (samples_SC >> 8).astype(np.int8)
    return np.ascontiguousarray(np.ascontiguousarray(samples_SC, "<i4").view(np.uint8).reshape(-1, 4)[:, 1:])
