"""Artists who have a style of their own: a genre or two, keys, instruments, tempo, moods; and albums within it."""

from dataclasses import dataclass

import numpy as np

from padstal.demo.brief import Brief, draw_brief
from padstal.demo.style import STYLES
from padstal.demo.vocabulary import GENRES, MOODS

ARTIST_STREAM = 0xA57
TRACKS_PER_ARTIST = 3
SECOND_GENRE_SHARE = 0.2
"""Share of an artist's tracks in the second genre, if there is one."""
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st", "tr", "sh")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo")
_CODAS = ("", "", "n", "r", "l", "s", "nd", "m")
_NOUNS = (
    "lantern",
    "harbour",
    "field",
    "glass",
    "winter",
    "signal",
    "river",
    "ember",
    "stairs",
    "orchard",
    "mirror",
    "coast",
)
_ADJECTIVES = (
    "slow",
    "silver",
    "hidden",
    "open",
    "late",
    "paper",
    "northern",
    "electric",
    "little",
    "broken",
    "amber",
    "far",
)


@dataclass(frozen=True)
class Album:
    """What an album's pieces share.

    Attributes:
        title: Two words.
        mood: One of the artist's moods; most pieces have it.
        tonics: Pitch classes of its keys, among the artist's.
    """

    title: str
    mood: str
    tonics: tuple[int, ...]


@dataclass(frozen=True)
class Artist:
    """What an artist does the same way in every piece.

    Attributes:
        name: Invented.
        genres: The main one, and perhaps a second.
        moods: Two that the artist keeps to.
        tonics: Pitch classes of favourite keys.
        tempo_shift: Share of a genre's tempo range.
        favourites: Instruments taken where a role may have them.
        albums: One for each mood.
    """

    name: str
    genres: tuple[str, ...]
    moods: tuple[str, ...]
    tonics: tuple[int, ...]
    tempo_shift: float
    favourites: frozenset[str]
    albums: tuple[Album, ...]


def draw_artist(index: int, *, seed: int) -> Artist:
    """Artist `index` of a corpus; main genres go round in turn, so that they have equal shares."""
    rng = np.random.default_rng([ARTIST_STREAM, seed, index])
    main = GENRES[index % len(GENRES)]
    others = [genre for genre in GENRES if genre != main]
    second = (str(rng.choice(others)),) if rng.random() < 0.3 else ()
    genres = (main, *second)
    favourites = {str(rng.choice(choices)) for genre in genres for choices in STYLES[genre].roles.values()}
    moods = tuple(sorted(rng.choice(MOODS, size=2, replace=False).tolist()))
    tonics = tuple(sorted(rng.choice(12, size=4, replace=False).tolist()))
    return Artist(
        name=f"{_word(rng)} {_word(rng)}",
        genres=genres,
        moods=moods,
        tonics=tonics,
        tempo_shift=float(rng.uniform(-0.15, 0.15)),
        favourites=frozenset(favourites),
        albums=tuple(Album(title(rng), mood, tonics[2 * i : 2 * i + 2]) for i, mood in enumerate(moods)),
    )


def artist_brief(artist: Artist, album: Album, rng: np.random.Generator) -> Brief:
    """A brief in the style of artist and album; one piece in eight has any mood."""
    second = len(artist.genres) > 1 and rng.random() < SECOND_GENRE_SHARE
    return draw_brief(
        rng,
        genre=artist.genres[1] if second else artist.genres[0],
        moods=(album.mood,) if rng.random() < 7 / 8 else MOODS,
        tonics=album.tonics,
        tempo_shift=artist.tempo_shift,
        favourites=artist.favourites,
    )


def title(rng: np.random.Generator) -> str:
    """Two words."""
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"


def _word(rng: np.random.Generator) -> str:
    syllables = int(rng.integers(2, 4))
    return "".join(str(rng.choice(_ONSETS)) + str(rng.choice(_VOWELS)) for _ in range(syllables)) + str(
        rng.choice(_CODAS)
    )
