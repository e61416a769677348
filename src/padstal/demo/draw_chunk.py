"""Some clips of a draw, which follow from its params and their numbers, in a file, so that they are rendered once.

Five roles of `prepare` draw the same clips. They share these files rather than an output of a stage: models are the
same bytes with and without them, and nothing is stored that a stage must have. A file is

    CRC-32 | labels of `CLIPS` clips, JSON | their samples, float32, little-endian

a line feed between them. It appears whole or not at all, and a damaged one counts as missing.

Shape suffixes: B clips of a chunk, S samples, C channels.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from padstal.core.code_version import code_version
from padstal.core.data.atomic import atomic_file
from padstal.core.data.content import address
from padstal.demo.brief import draw_brief
from padstal.demo.composer import compose
from padstal.demo.degrade import degrade
from padstal.demo.grammar import caption
from padstal.demo.renderer import RENDER_RATE, render
from padstal.demo.vocabulary import DEGRADATIONS, GENRES
from padstal.ingest.loudness import gain_to, integrated_loudness
from padstal.ingest.resample import resample

if TYPE_CHECKING:
    from padstal.demo.config import Draw

CLIPS = 20
"""Of a chunk; it divides what the roles draw at demo and study scale."""
DRAW_STREAM = 0xD2A
"""Keeps the draw's random streams apart from the corpus', should both have the same seed."""
MIN_SEVERITY = 0.15
LEAD_SECONDS = 4.0
"""A clip starts up to this long into its piece."""
LOUDNESS_LUFS = -20.0
"""Integrated loudness of a clip, as ingest has it."""
LIBRARIES = ("numba", "numpy", "pretty_midi", "scipy", "soundfile", "soxr", "symusic")
"""Whose arithmetic clips depend on, and the one that carries the soundfont."""

Labels = dict[str, Any]
"""What is true of a clip, in words and numbers that JSON can tell."""


def key(draw: "Draw") -> str:
    """Names what a clip depends on besides its number: the draw, but for how many are held out, and the code."""
    what = sorted(draw.model_dump(exclude={"held_out"}).items())
    return address(f"{what} {code_version(__name__, libraries=LIBRARIES)}".encode())


@dataclass(frozen=True)
class Chunk:
    """Clips `first` to `first + CLIPS` of a draw, and the file that they are kept in.

    Attributes:
        draw: Of the clips.
        first: Number of the first one.
        path: The file.
    """

    draw: "Draw"
    first: int
    path: Path

    def read(self) -> tuple[np.ndarray, list[Labels]] | None:
        """Samples, float32 [B, S], and labels; None where the file is missing or not what was written."""
        try:
            checksum, _, content = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        if checksum != _checksum(content):
            return None
        labels, _, samples = content.partition(b"\n")
        return np.frombuffer(samples, "<f4").reshape(CLIPS, -1), json.loads(labels)


def keep(chunk: Chunk) -> None:
    """Render a chunk's clips and write them to its file."""
    audio_BS, labels = zip(*(_clip(chunk.draw, chunk.first + place) for place in range(CLIPS)), strict=True)
    content = json.dumps(labels).encode() + b"\n" + np.stack(audio_BS).astype("<f4").tobytes()
    with atomic_file(chunk.path) as file:
        file.write_bytes(_checksum(content) + b"\n" + content)


def _checksum(content: bytes) -> bytes:
    return b"%08x" % zlib.crc32(content)


def _clip(draw: "Draw", index: int) -> tuple[np.ndarray, Labels]:
    rng = np.random.default_rng([DRAW_STREAM, draw.seed, index])
    brief = draw_brief(rng, genre=GENRES[index % len(GENRES)])
    text = caption(brief, rng)
    start = rng.uniform(0, LEAD_SECONDS)
    seconds = start + draw.clip_seconds
    audio_SC = render(compose(brief, seconds=seconds + 0.5, rng=rng), seconds=seconds + 0.5)
    degraded = rng.random() < draw.degraded_share
    kind = str(rng.choice(DEGRADATIONS)) if degraded else ""
    severity = float(rng.uniform(MIN_SEVERITY, 1)) if degraded else 0.0
    # degraded as a file would be, before it is cut to a clip: resampling rounds off what a fault leaves behind
    audio_SC = degrade(audio_SC[round(start * RENDER_RATE) :], kind, severity, sample_rate=RENDER_RATE, rng=rng)
    audio_S = resample(audio_SC.mean(axis=1), RENDER_RATE, draw.sample_rate)
    audio_S = audio_S[: round(draw.clip_seconds * draw.sample_rate)]
    loudness = integrated_loudness(audio_S[:, None], draw.sample_rate)
    audio_S = audio_S * np.float32(gain_to(LOUDNESS_LUFS, loudness, float(np.abs(audio_S).max())))
    labels = {
        "caption": text,
        "genre": brief.genre,
        "instruments": brief.instruments,
        "mood": brief.mood,
        "tempo_bpm": brief.tempo_bpm,
        "key": brief.key,
        "degradation": kind,
        "severity": severity,
    }
    return audio_S, labels
