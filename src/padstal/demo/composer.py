"""From a brief to a MIDI score: bars on a progression, one player a role, swing, accents, form."""

from typing import TYPE_CHECKING

import numpy as np

from padstal.demo.brief import Brief
from padstal.demo.harmony import chord
from padstal.demo.parts import Bar, Player, Strike, drum_bar, player
from padstal.demo.style import MOOD_EFFECTS, STYLES, Style
from padstal.demo.vocabulary import PROGRAMS

if TYPE_CHECKING:
    from symusic.core import ScoreTick

TICKS = 480
"""Ticks of a quarter note."""
SECTION_BARS = 4
LEVELS = {"drums": 0.92, "bass": 0.95, "comp": 0.8, "melody": 1.0}
"""Velocity of each role against what its player plays."""


def compose(brief: Brief, *, seconds: float, rng: np.random.Generator) -> "ScoreTick":
    """A piece of at least `seconds` as a symusic score, one track a part, in the brief's tempo and key.

    The form is A A B of four bars each, two progressions; the last bar of a section thins the melody. All parts of the
    brief sound within any two bars.
    """
    from symusic.core import NoteTick, ScoreTick, TempoTick, TrackTick

    style, mood = STYLES[brief.genre], MOOD_EFFECTS[brief.mood]
    beats = int(rng.choice(style.beats))
    bars = int(np.ceil(seconds * brief.tempo_bpm / 60 / beats))
    progression = _form(style, brief.mode, bars, rng)
    chords = [chord(brief.tonic, brief.mode, degree, style.chord_notes) for degree in progression]

    score = ScoreTick(TICKS)
    score.tempos.append(TempoTick(0, float(brief.tempo_bpm)))
    for role, instrument in brief.parts:
        track = TrackTick(instrument, int(rng.choice(PROGRAMS[instrument])), role == "drums")
        kit = style.drums[int(rng.integers(len(style.drums)))] if role == "drums" else {}
        play = None if role == "drums" else player(role, str(rng.choice(getattr(style, role))))
        for index in range(bars):
            bar = Bar(
                tonic=brief.tonic,
                mode=brief.mode,
                degree=progression[index],
                chord=chords[index],
                next_chord=chords[(index + 1) % bars],
                steps=4 * beats,
                index=index,
                register=mood.register,
                density=mood.density,
            )
            for strike in _bar_of(role, kit, play, bar, rng):
                start = index * beats * TICKS + _ticks(strike.start, style.swing)
                length = strike.length * (1.0 if role == "drums" else mood.length)
                velocity = strike.velocity * LEVELS[role] * mood.velocity + rng.normal(0, 4)
                track.notes.append(
                    NoteTick(
                        max(0, start + int(rng.integers(-4, 5))),
                        max(20, round(length * TICKS / 4)),
                        int(np.clip(strike.pitch, 0, 127)),
                        int(np.clip(velocity, 12, 127)),
                    )
                )
        track.notes.sort()
        score.tracks.append(track)
    return score


def _form(style: Style, mode: str, bars: int, rng: np.random.Generator) -> list[int]:
    """Scale degree of each bar's chord: A A B A A B …"""
    progressions = style.major if mode == "major" else style.minor
    sections = [progressions[int(rng.integers(len(progressions)))] for _ in range(2)]
    return [sections[(index // SECTION_BARS) % 3 == 2][index % SECTION_BARS] for index in range(bars)]


def _bar_of(role: str, kit: dict[str, str], play: Player | None, bar: Bar, rng: np.random.Generator) -> list[Strike]:
    if play is None:
        return drum_bar(kit, bar)
    strikes = [strike for strike in play(bar, rng) if strike.start < bar.steps]
    ends_section = bar.index % SECTION_BARS == SECTION_BARS - 1
    return strikes[: max(1, len(strikes) // 2)] if role == "melody" and ends_section else strikes


def _ticks(sixteenths: float, swing: float) -> int:
    """Position in ticks; what lies in the second half of a beat moves with the swing."""
    beat, within = divmod(sixteenths / 4, 1)
    warped = within * swing / 0.5 if within < 0.5 else swing + (within - 0.5) * (1 - swing) / 0.5
    return round((beat + warped) * TICKS)
