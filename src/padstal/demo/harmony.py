"""Scales and chords: from a scale degree to MIDI pitches."""

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
"""Semitones above the tonic; minor is natural minor."""

FIFTH_DEGREE = 4


def scale_pitch(tonic: int, mode: str, degree: int) -> int:
    """Semitones of scale degree `degree` (from 0, any integer) above the c below the tonic."""
    octave, step = divmod(degree, 7)
    return tonic + 12 * octave + SCALES[mode][step]


def chord(tonic: int, mode: str, degree: int, notes: int) -> tuple[int, ...]:
    """Pitches (not folded to an octave) of the chord on `degree`.

    Args:
        tonic: Pitch class of the key.
        mode: "major" or "minor".
        degree: Root, from 0.
        notes: 2 root, fifth and octave; 3 triad; 4 with seventh; 5 with ninth. The dominant of a minor key has
            its leading tone, as in the harmonic minor.
    """
    root = scale_pitch(tonic, mode, degree)
    if notes == 2:
        return root, root + 7, root + 12
    pitches = [scale_pitch(tonic, mode, degree + 2 * i) for i in range(notes)]
    if mode == "minor" and degree % 7 == FIFTH_DEGREE:
        pitches[1] += 1
    return tuple(pitches)


def near(pitch: int, centre: int) -> int:
    """The pitch of the same class nearest to `centre`."""
    return centre + (pitch - centre + 6) % 12 - 6


def voice(pitches: tuple[int, ...], centre: int) -> tuple[int, ...]:
    """The chord around `centre`, ascending, each pitch class once."""
    return tuple(sorted({near(pitch, centre) for pitch in pitches}))
