"""A brief: everything that a piece is told to be, and hence its true labels."""

from dataclasses import dataclass

import numpy as np

from padstal.demo.style import MOOD_EFFECTS, STYLES
from padstal.demo.vocabulary import GENRES, MODES, MOODS, TONICS


@dataclass(frozen=True)
class Brief:
    """What to compose.

    Attributes:
        genre: One of `GENRES`.
        mood: One of `MOODS`.
        tempo_bpm: Beats per minute.
        tonic: Pitch class, 0 is c.
        mode: "major" or "minor".
        parts: (role, instrument) in the order drums, bass, comp, melody; a role may be absent.
    """

    genre: str
    mood: str
    tempo_bpm: int
    tonic: int
    mode: str
    parts: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """As in `KEYS`: "c minor"."""
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def instruments(self) -> tuple[str, ...]:
        """Instruments that sound, each once, melody first."""
        return tuple(dict.fromkeys(instrument for _, instrument in reversed(self.parts)))


ROLES = ("drums", "bass", "comp", "melody")


def draw_brief(
    rng: np.random.Generator,
    *,
    genre: str | None = None,
    moods: tuple[str, ...] = MOODS,
    tonics: tuple[int, ...] = tuple(range(12)),
    tempo_shift: float = 0.0,
    favourites: frozenset[str] = frozenset(),
) -> Brief:
    """A random brief.

    Args:
        rng: The only source of chance.
        genre: Fixed, or drawn from all.
        moods: To draw from.
        tonics: Pitch classes to draw from.
        tempo_shift: Share of the genre's tempo range to move by; the tempo stays in the range.
        favourites: Instruments taken before others wherever a role may have them.
    """
    genre = genre or str(rng.choice(GENRES))
    style = STYLES[genre]
    mood = str(rng.choice(moods))
    effect = MOOD_EFFECTS[mood]
    low, high = style.tempo_bpm
    place = np.clip(effect.tempo + tempo_shift + rng.uniform(-0.15, 0.15), 0, 1)
    parts = []
    for role in ROLES:
        if role in style.roles and rng.random() < style.optional.get(role, 1.0):
            choices = [name for name in style.roles[role] if name in favourites] or list(style.roles[role])
            parts.append((role, str(rng.choice(choices))))
    return Brief(
        genre=genre,
        mood=mood,
        tempo_bpm=round(low + place * (high - low)),
        tonic=int(rng.choice(tonics)),
        mode=MODES[int(rng.random() < effect.minor)],
        parts=tuple(parts),
    )
