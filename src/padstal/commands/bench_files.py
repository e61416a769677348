"""Music files to measure ingestion with: WAV, FLAC, OGG and MP3 in stereo, each with content of its own."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from padstal.demo.audio_files import FORMATS, encode, renumber_ogg

PIECES = 3
"""Different pieces a format; files of one piece differ in a number, which makes them different files."""
_TAG = "padstal {:08d}"


def write_files(folder: Path, indices: Iterable[int], *, seconds: float, sample_rate: int) -> None:
    """Files number `indices` of an endless list, the formats in turn; the same index gives the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    templates: dict[tuple[int, str], bytes] = {}
    for index in indices:
        container, piece = FORMATS[index % len(FORMATS)], index // len(FORMATS) % PIECES
        if (piece, container) not in templates:
            audio_SC = _piece(piece, seconds, sample_rate)
            templates[piece, container] = encode(audio_SC, sample_rate, container, comment=_TAG.format(0))
        content = _tagged(templates[piece, container], index, container)
        (folder / f"{index:06d}.{container}").write_bytes(content)


def _piece(seed: int, seconds: float, sample_rate: int) -> np.ndarray:
    """Plucked notes over a hiss, float32 [S, 2]: codecs find some work in it."""
    rng = np.random.default_rng([0xBE, seed])
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    audio_SC = 0.003 * rng.standard_normal((len(t), 2))
    for start in np.arange(0, seconds, 0.25):
        note = slice(round(start * sample_rate), round((start + 1) * sample_rate))
        time = t[note] - start
        pitch, side = 110 * 2 ** (rng.integers(0, 36) / 12), rng.uniform(0.2, 0.8)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) * np.exp(-3 * k * time) / k for k in range(1, 6))
        audio_SC[note] += 0.15 * np.asarray(tone)[:, None] * [side, 1 - side]
    return audio_SC.astype(np.float32)


def _tagged(content: bytes, index: int, container: str) -> bytes:
    """The file with another number in its tag, or as its stream's."""
    if container == "ogg":
        return renumber_ogg(content, index)
    return content.replace(_TAG.format(0).encode(), _TAG.format(index).encode(), 1)
