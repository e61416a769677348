"""One file of the corpus: its plan, and the plan carried out.

Whatever process writes it, and in whatever order, the bytes follow from the plan alone.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from padstal.demo.audio_files import encode
from padstal.demo.brief import Brief
from padstal.demo.composer import compose
from padstal.demo.degrade import degrade
from padstal.demo.faults import Copy, Fault
from padstal.demo.renderer import RENDER_RATE, render

SCORE_STREAM, COPY_STREAM = 0xB2, 0xB3


@dataclass(frozen=True)
class FilePlan:
    """What to write, where, and what the tables say about it.

    Attributes:
        folder: Of the corpus.
        index: Of the file; copies come after all tracks.
        seed: Of the corpus.
        seconds: Length of a track.
        path: Relative to `folder`; the suffix is the container.
        brief, fault: What to compose and what is wrong with it.
        copy: Of which track it is a copy, if it is one.
        artist, album, title, caption: As the captions table has them.
        true_caption: What the caption should be.
        duplicate_of: Path of the original; "" for none.
    """

    folder: Path
    index: int
    seed: int
    seconds: float
    path: str
    brief: Brief
    fault: Fault
    copy: Copy | None
    artist: str
    album: str
    title: str
    caption: str
    true_caption: str
    duplicate_of: str


def write_file(plan: FilePlan) -> str:
    """Write one file; gives its sha256. A copy is rendered anew, since the same plan gives the same audio."""
    copy = plan.copy
    index = plan.index if copy is None else copy.of
    audio_SC = _audio(plan, index)
    if copy is not None and copy.kind == "near":
        audio_SC = _near(audio_SC, copy.how, np.random.default_rng([COPY_STREAM, plan.seed, plan.index]))
    content = encode(audio_SC, RENDER_RATE, Path(plan.path).suffix[1:])
    path = plan.folder / plan.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _audio(plan: FilePlan, index: int) -> np.ndarray:
    """The music of track `index`, float32 [S, 2] at `RENDER_RATE`, with its degradation."""
    rng = np.random.default_rng([SCORE_STREAM, plan.seed, index])
    clean = render(compose(plan.brief, seconds=plan.seconds, rng=rng), seconds=plan.seconds)
    return degrade(clean, plan.fault.degradation, plan.fault.severity, sample_rate=RENDER_RATE, rng=rng)


def _near(audio_SC: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """Music that is the same to a listener: through a lossy codec, at another level, or from a little later on."""
    import soundfile

    match how:
        case "re-encoded":
            return soundfile.read(io.BytesIO(encode(audio_SC, RENDER_RATE, "ogg")), dtype="float32")[0]
        case "gain":
            return audio_SC * np.float32(10 ** (rng.uniform(-9, -3) / 20))
        case "trimmed start":
            return audio_SC[round(rng.uniform(0.3, 1.2) * RENDER_RATE) :]
    raise ValueError(f"near copy {how!r}: unknown")
