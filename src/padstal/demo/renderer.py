"""From a MIDI score to stereo audio, with the General MIDI soundfont that the pretty_midi package carries."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from symusic.core import ScoreTick

RENDER_RATE = 44_100
PEAK = 0.7
"""Peak of a rendered piece, about −3 dBFS: room for degradations and codecs."""


def soundfont() -> Path:
    """Path of TimGM6mb.sf2.

    Raises:
        FileNotFoundError: pretty_midi is not installed or lacks it.
    """
    spec = find_spec("pretty_midi")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("TimGM6mb.sf2: the package pretty_midi, which carries it, is not installed")
    path = Path(spec.origin).parent / "TimGM6mb.sf2"
    if not path.exists():
        raise FileNotFoundError(f"{path}: the soundfont is missing from pretty_midi")
    return path


def render(score: "ScoreTick", *, seconds: float, sample_rate: int = RENDER_RATE) -> np.ndarray:
    """Audio [samples, 2], float32, of exactly `seconds`, its peak at `PEAK`; ends with a fade of 20 ms.

    Raises:
        ValueError: The score is silent.
    """
    from symusic import Synthesizer

    if score.note_num() == 0:
        raise ValueError("a score without notes renders to silence")
    samples = round(seconds * sample_rate)
    # A synthesizer of its own (1 ms): one that has rendered before may give some programs another phase.
    synthesizer = Synthesizer(str(soundfont()), sample_rate, 0)
    raw_CS = np.asarray(synthesizer.render(score, True), dtype=np.float32)[:, :samples]
    audio_SC = np.zeros((samples, 2), dtype=np.float32)
    audio_SC[: raw_CS.shape[1]] = raw_CS.T
    peak = float(np.abs(audio_SC).max())
    if peak < 1e-4:
        raise ValueError(f"the score of {len(score.tracks)} tracks renders to silence")
    audio_SC *= np.float32(PEAK / peak)
    fade = round(0.02 * sample_rate)
    audio_SC[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return audio_SC
