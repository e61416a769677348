"""Ways of playing: what drums, bass, chords and melody do in one bar.

A player takes the bar and gives notes in sixteenths from its start; the composer places, swings and shapes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from padstal.demo.harmony import near, scale_pitch, voice

DRUM_PITCHES = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedal hat": 44,
    "open hat": 46,
    "crash": 49,
    "ride": 51,
    "cowbell": 56,
    "conga": 62,
    "low conga": 64,
    "shaker": 70,
    "clave": 75,
}
ACCENTS = {"X": 118, "x": 95, "o": 58}


class Strike(NamedTuple):
    """One note: start and length in sixteenths of a beat's quarter, MIDI pitch, MIDI velocity."""

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Bar:
    """What a player sees.

    Attributes:
        tonic, mode: The key.
        degree: Root of the bar's chord as a scale degree.
        chord: Its pitches.
        next_chord: Those of the bar after.
        steps: Sixteenths in the bar.
        index: Bar number from 0.
        register: Semitones that the mood moves by.
        density: The mood's factor on melody notes.
    """

    tonic: int
    mode: str
    degree: int
    chord: tuple[int, ...]
    next_chord: tuple[int, ...]
    steps: int
    index: int
    register: int
    density: float


Player = Callable[[Bar, np.random.Generator], list[Strike]]


def drum_bar(kit: dict[str, str], bar: Bar) -> list[Strike]:
    """One bar of a drum pattern."""
    return [
        Strike(step, 1, DRUM_PITCHES[drum], ACCENTS[mark])
        for drum, pattern in kit.items()
        for step, mark in enumerate(pattern[: bar.steps])
        if mark in ACCENTS
    ]


# Bass


def _bass_player(style: str) -> Player:
    def play(bar: Bar, rng: np.random.Generator) -> list[Strike]:
        root = near(bar.chord[0], 38)
        fifth = near(bar.chord[0] + 7, 41)
        beats = bar.steps // 4
        match style:
            case "drone":
                return [Strike(0, bar.steps, root, 78)]
            case "root":
                return [Strike(0, bar.steps - 2, root, 82), Strike(bar.steps - 4, 3, fifth, 66)]
            case "root five":
                return [Strike(4 * i, 3, root if i % 2 == 0 else fifth, 84) for i in range(beats)]
            case "octaves":
                return [Strike(s, 1.2, root + 12 * o, v) for s, o, v in _OCTAVES]
            case "sub":
                return [Strike(0, 5, root, 108), Strike(6, 2, root, 92), Strike(10, 4, fifth - 12 * (fifth > 40), 98)]
            case "walking":
                target = near(bar.next_chord[0], root)
                third = near(bar.chord[1], root + 3)
                approach = target + int(rng.choice((-1, 1, 2)))
                return [Strike(4 * i, 3.7, p, 92) for i, p in enumerate((root, third, fifth, approach)[:beats])]
            case "tumbao":
                return [
                    Strike(0, 3, root, 70),
                    Strike(6, 5, fifth, 98),
                    Strike(12, 4, near(bar.next_chord[0], root), 98),
                ]
            case "chug":
                return [Strike(s, 1.6, root, 104) for s in range(0, bar.steps, 2)]
            case "dub":
                line = ((0, 4, root), (6, 2, root), (8, 3, fifth), (11, 2, near(bar.chord[1], root + 3)), (14, 2, root))
                return [Strike(s, n, p, 105) for s, n, p in line]
            case "sixteenths":
                return [Strike(s, 0.9, root + 12 * (s % 8 == 6), 100) for s in range(bar.steps) if s % 4]
        raise ValueError(f"bass style {style!r}: unknown")

    return play


_OCTAVES = ((0, 0, 112), (3, 1, 92), (6, 0, 98), (7, 1, 84), (10, 0, 100), (13, 1, 94), (14, 0, 88))


# Chords


def _comp_player(style: str) -> Player:
    def play(bar: Bar, rng: np.random.Generator) -> list[Strike]:
        centre = (50 if style == "chug" else 60) + bar.register
        tones = voice(bar.chord, centre)
        block = _BLOCKS.get(style)
        if block is not None:
            return [Strike(s, n, p, v) for s, n, v in block if s < bar.steps for p in tones]
        match style:
            case "sustain":
                return [Strike(0, bar.steps + 2, p, 80) for p in tones]
            case "alberti":
                order = (0, 2, 1, 2)
                return [Strike(s, 2, tones[order[(s // 2) % 4] % len(tones)], 74) for s in range(0, bar.steps, 2)]
            case "waltz":
                first = [Strike(0, 4, tones[0], 78)]
                return first + [Strike(4 * b, 3, p, 66) for b in range(1, bar.steps // 4) for p in tones[1:]]
            case "picking":
                pattern = (0, 2, 1, 3, 0, 2, 1, 2)
                high = (*tones, tones[0] + 12)
                return [Strike(s, 4, high[pattern[(s // 2) % 8] % len(high)], 82) for s in range(0, bar.steps, 2)]
            case "strum":
                down = [Strike(s + 0.12 * i, 3, p, 84) for s in range(0, bar.steps, 4) for i, p in enumerate(tones)]
                up = [
                    Strike(s + 0.1 * i, 1.5, p, 62)
                    for s in range(6, bar.steps, 4)
                    for i, p in enumerate(tones[::-1][:2])
                ]
                return down + up
            case "loop":
                return [Strike(s + 0.2 * i, 7, p, 78) for s in (0, 10) for i, p in enumerate(tones)]
            case "charleston":
                hits = ((0, 3), (6, 2)) if rng.random() < 0.6 else ((2, 2), (6, 2), (12, 2))
                return [Strike(s, n, p, 74) for s, n in hits for p in tones[:4]]
            case "montuno":
                line = (0, 3, 4, 6, 7, 10, 11, 14)
                return [
                    Strike(s, 1.5, tones[(i * 2 + bar.index) % len(tones)] + 12 * (i % 2), 92)
                    for i, s in enumerate(line)
                ]
            case "trance":
                return [Strike(s, 1.4, p, 84) for s in range(2, bar.steps, 4) for p in tones]
        raise ValueError(f"comp style {style!r}: unknown")

    return play


_BLOCKS = {
    "sixteenths": tuple((s, 0.6, 104 if s in (2, 6, 11, 14) else 66) for s in range(16) if s not in (0, 4, 8, 12)),
    "stabs": ((0, 1.2, 104), (3, 1.2, 96), (10, 1.2, 100)),
    "bossa": ((0, 2, 80), (3, 3, 84), (6, 3, 80), (10, 2, 84), (13, 2, 80)),
    "chug": tuple((s, 1.5 if s % 8 else 3, 112 if s % 8 == 0 else 92) for s in range(0, 16, 2)),
    "skank": ((4, 0.9, 98), (6, 0.6, 70), (12, 0.9, 98), (14, 0.6, 70)),
}


# Melody: rhythm cells in sixteenths; a cell is repeated in alternate bars, so that a piece has a theme.

_CELLS: dict[str, tuple[tuple[int, ...], ...]] = {
    "sparse": ((0, 10), (4,), (0, 8), (6, 12)),
    "lyrical": ((0, 4, 6, 8, 12), (0, 6, 8, 12, 14), (0, 4, 8, 10, 12)),
    "riff": ((0, 3, 6), (2, 3, 6, 10), (0, 6, 10, 11), (4, 7, 10)),
    "bebop": ((0, 2, 4, 6, 8, 10, 12, 14), (2, 4, 6, 8, 10, 14), (0, 2, 4, 8, 10, 12, 14)),
    "shred": (tuple(range(16)), tuple(range(0, 16, 2)), (0, 1, 2, 4, 5, 6, 8, 10, 12, 13, 14)),
    "arpeggio": (tuple(s for s in range(16) if s % 4 != 1), (0, 2, 3, 5, 6, 8, 10, 11, 13, 14)),
}
MELODY_CENTRE = 71


def _melody_player(style: str) -> Player:
    if style not in _CELLS:
        raise ValueError(f"melody style {style!r}: unknown")
    themes: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def play(bar: Bar, rng: np.random.Generator) -> list[Strike]:
        slot = bar.index % 2
        if slot not in themes:
            cells = _CELLS[style]
            cell = tuple(s for s in cells[int(rng.integers(len(cells)))] if s < bar.steps)
            themes[slot] = _thin(cell, bar.density, bar.steps, rng), tuple(rng.integers(-2, 3, size=32).tolist())
        cell, moves = themes[slot]
        centre = MELODY_CENTRE + bar.register
        tones = voice(bar.chord, centre)
        if style == "arpeggio":
            ladder = (*tones, *(p + 12 for p in tones))
            return [Strike(s, 0.9, ladder[i % len(ladder)], 92) for i, s in enumerate(cell)]
        degree = _degree_near(bar, tones[int(moves[-1]) % len(tones)])
        strikes = []
        for i, start in enumerate(cell):
            end = cell[i + 1] if i + 1 < len(cell) else bar.steps
            degree += moves[i] if i else 0
            pitch = scale_pitch(bar.tonic, bar.mode, degree)
            if start % 8 == 0:
                pitch = min(tones, key=lambda tone: abs(tone - pitch))
            strikes.append(Strike(start, min(end - start, 12) * 0.95, centre + _fold(pitch - centre), 96))
        return strikes

    return play


def _thin(cell: tuple[int, ...], density: float, steps: int, rng: np.random.Generator) -> tuple[int, ...]:
    """The rhythm with fewer or more notes; the first stays."""
    if density < 1:
        return tuple(s for i, s in enumerate(cell) if i == 0 or rng.random() < density)
    free = [s for s in range(0, steps, 2) if s not in cell]
    added = [s for s in free if rng.random() < (density - 1) * len(cell) / max(1, len(free))]
    return tuple(sorted((*cell, *added)))


def _degree_near(bar: Bar, pitch: int) -> int:
    return min(range(14, 56), key=lambda degree: abs(scale_pitch(bar.tonic, bar.mode, degree) - pitch))


def _fold(distance: int) -> int:
    """A distance from the centre brought within an octave of it, by octaves."""
    while distance > 12:
        distance -= 12
    while distance < -12:
        distance += 12
    return distance


def player(role: str, style: str) -> Player:
    """The player of `style` in `role` ("bass", "comp" or "melody"); a melody player remembers its theme."""
    return {"bass": _bass_player, "comp": _comp_player, "melody": _melody_player}[role](style)
