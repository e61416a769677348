"""What a draw of the composer teaches: labels as arrays, and captions that are new each time.

Shape suffixes: B batch, I instruments.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from padstal.demo.brief import Brief, draw_brief
from padstal.demo.draw import LabelledClips
from padstal.demo.grammar import caption
from padstal.demo.vocabulary import GENRES, INSTRUMENTS, MOODS, TONICS
from padstal.foundation.tagger import Vocabulary

VOCABULARY = Vocabulary(GENRES, INSTRUMENTS, MOODS)
CAPTION_STREAM = 0xCA9
"""Keeps the captions of `captions` apart from other streams of the same seed."""


@dataclass(frozen=True)
class Labels:
    """True tags of B clips, as indices into a vocabulary.

    Attributes:
        genre_B: int64.
        instrument_BI: 1 where the instrument sounds.
        mood_B: int64.
        tempo_B: Beats per minute.
    """

    genre_B: np.ndarray
    instrument_BI: np.ndarray
    mood_B: np.ndarray
    tempo_B: np.ndarray


def split(clips: LabelledClips, held_out: int) -> tuple[LabelledClips, LabelledClips]:
    """Clips to learn from, and the last `held_out` to be tested on; each clip is a piece of its own."""
    at = len(clips.captions) - held_out
    return _part(clips, slice(0, at)), _part(clips, slice(at, None))


def _part(clips: LabelledClips, rows: slice) -> LabelledClips:
    return replace(clips, **{name: column[rows] for name, column in vars(clips).items()})


def labels(clips: LabelledClips) -> Labels:
    """True tags of `clips` as indices into `VOCABULARY`."""
    instrument_BI = np.zeros((len(clips.genre), len(INSTRUMENTS)), np.float32)
    for row, sounding in enumerate(clips.instruments):
        instrument_BI[row, [INSTRUMENTS.index(name) for name in sounding]] = 1
    return Labels(
        genre_B=np.array([GENRES.index(genre) for genre in clips.genre], dtype=np.int64),
        instrument_BI=instrument_BI,
        mood_B=np.array([MOODS.index(mood) for mood in clips.mood], dtype=np.int64),
        tempo_B=clips.tempo_B,
    )


def fresh_captions(clips: LabelledClips) -> Callable[[int, np.random.Generator], str]:
    """A function from a row and a generator to a true caption of that clip, another each time."""
    briefs = [_brief(clips, row) for row in range(len(clips.captions))]
    return lambda row, rng: caption(briefs[row], rng)


def _brief(clips: LabelledClips, row: int) -> Brief:
    tonic, mode = clips.key[row].rsplit(" ", 1)
    return Brief(
        genre=clips.genre[row],
        mood=clips.mood[row],
        tempo_bpm=round(float(clips.tempo_B[row])),
        tonic=TONICS.index(tonic),
        mode=mode,
        parts=tuple(("", instrument) for instrument in reversed(clips.instruments[row])),
    )


def captions(count: int, seed: int) -> list[str]:
    """`count` captions of pieces that are never composed; caption i depends on (seed, i) alone."""
    texts = []
    for index in range(count):
        rng = np.random.default_rng([CAPTION_STREAM, seed, index])
        texts.append(caption(draw_brief(rng), rng))
    return texts
