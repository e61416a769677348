"""What a kind of hostile file is, and the good files that several kinds are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.ingest.encoders import av_encode, music, patched, pcm, sndfile, wav

KEPT = "kept"
REPAIRED = "kept: "
"""Followed by the repair."""
NO_INPUT = "no input"
"""A name that is no file: nothing may come of it."""


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes:
        name: Of the kind, and of its file unless `file` says another.
        outcome: `KEPT`, `REPAIRED` with the repair, or a reason for quarantine; several where decoders may differ.
        content: The file's bytes.
        make: Writes the file instead, where it is not regular or not to be held in memory.
    """

    name: str
    outcome: str | tuple[str, ...]
    content: Callable[[], bytes] | None = None
    make: Callable[[Path], None] | None = None
    file: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        return (self.outcome,) if isinstance(self.outcome, str) else self.outcome


def noise(count: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def flip(content: bytes, share: float, bit: int = 4) -> bytes:
    at = int(len(content) * share)
    return patched(content, at, bytes([content[at] ^ 1 << bit]))


def music_of(kind: str, seed: int) -> bytes:
    audio = music(seed=seed)
    match kind:
        case "wav":
            return wav(pcm(audio))
        case "flac":
            return sndfile(audio, "FLAC", "PCM_16")
        case "ogg":
            return sndfile(audio, "OGG", "VORBIS")
        case "mp3":
            return sndfile(audio, "MP3", "MPEG_LAYER_III")
        case "vbr":
            return sndfile(audio, "MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.5)
        case "opus":
            return av_encode(audio, "libopus", "ogg")
    return av_encode(audio, "aac", {"m4a": "ipod", "aac": "adts"}[kind])


def sparse(path: Path, head: bytes, length: int) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(length)
