"""What a genre is: tempo, metre, swing, harmony, drums, ways of playing, instruments; and what a mood does to them.

Progressions are scale degrees from 0, one a bar. Drum patterns have one character a sixteenth: `X` loud, `x` normal,
`o` soft.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """A genre as the composer knows it.

    Attributes:
        tempo_bpm: Lowest and highest tempo.
        beats: Beats of a bar, one of them for a piece.
        swing: Where the second eighth of a beat falls: 0.5 is straight, 2/3 is triplet swing.
        chord_notes: 2 power chord, 3 triad, 4 seventh, 5 ninth.
        major, minor: Progressions in each mode.
        drums: Kits of patterns; empty where the genre has no drums.
        bass, comp, melody: Ways of playing (`parts.py`).
        roles: Role → instruments that may take it.
        optional: Role → probability that it is there at all (1 where not named).
    """

    tempo_bpm: tuple[int, int]
    beats: tuple[int, ...]
    swing: float
    chord_notes: int
    major: tuple[tuple[int, ...], ...]
    minor: tuple[tuple[int, ...], ...]
    drums: tuple[dict[str, str], ...]
    bass: tuple[str, ...]
    comp: tuple[str, ...]
    melody: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]
    optional: dict[str, float]


@dataclass(frozen=True)
class Mood:
    """What a mood does to any genre.

    Attributes:
        tempo: Place within the genre's tempo range, 0 slowest, 1 fastest.
        velocity: Factor on MIDI velocity, heard as brightness after loudness is levelled.
        register: Semitones that melody and chords move.
        length: Factor on the length of notes.
        minor: Probability of the minor mode.
        density: Factor on the number of melody notes.
    """

    tempo: float
    velocity: float
    register: int
    length: float
    minor: float
    density: float


MOOD_EFFECTS = {
    "calm": Mood(tempo=0.2, velocity=0.72, register=0, length=1.15, minor=0.2, density=0.6),
    "dark": Mood(tempo=0.45, velocity=1.0, register=-10, length=1.0, minor=1.0, density=0.8),
    "dreamy": Mood(tempo=0.25, velocity=0.62, register=12, length=1.5, minor=0.4, density=0.7),
    "energetic": Mood(tempo=0.95, velocity=1.25, register=3, length=0.5, minor=0.5, density=1.5),
    "happy": Mood(tempo=0.7, velocity=1.0, register=6, length=0.7, minor=0.0, density=1.15),
    "sad": Mood(tempo=0.05, velocity=0.75, register=-4, length=1.2, minor=1.0, density=0.6),
}

STYLES: dict[str, Style] = {
    "ambient": Style(
        tempo_bpm=(56, 76),
        beats=(4,),
        swing=0.5,
        chord_notes=5,
        major=((0, 0, 3, 3), (0, 4, 3, 3), (3, 3, 0, 0)),
        minor=((0, 0, 5, 5), (0, 6, 5, 5), (0, 0, 3, 3)),
        drums=(),
        bass=("drone",),
        comp=("sustain",),
        melody=("sparse",),
        roles={
            "bass": ("synth pad", "cello"),
            "comp": ("synth pad", "choir", "strings"),
            "melody": ("vibraphone", "piano", "flute"),
        },
        optional={"melody": 0.8},
    ),
    "classical": Style(
        tempo_bpm=(72, 126),
        beats=(3, 4),
        swing=0.5,
        chord_notes=3,
        major=((0, 4, 0, 4), (0, 3, 4, 0), (0, 5, 3, 4), (0, 1, 4, 0)),
        minor=((0, 4, 0, 4), (0, 3, 4, 0), (0, 5, 3, 4)),
        drums=(),
        bass=("root",),
        comp=("alberti", "alberti", "waltz"),
        melody=("lyrical",),
        roles={
            "bass": ("cello",),
            "comp": ("piano", "strings"),
            "melody": ("violin", "flute", "piano"),
        },
        optional={},
    ),
    "folk": Style(
        tempo_bpm=(92, 128),
        beats=(4, 3),
        swing=0.54,
        chord_notes=3,
        major=((0, 3, 0, 4), (0, 4, 3, 0), (0, 5, 3, 4)),
        minor=((0, 6, 0, 6), (0, 5, 6, 0), (0, 3, 6, 0)),
        drums=(),
        bass=("root five",),
        comp=("picking", "strum"),
        melody=("lyrical",),
        roles={
            "bass": ("double bass",),
            "comp": ("acoustic guitar",),
            "melody": ("flute", "violin", "acoustic guitar"),
        },
        optional={"bass": 0.75},
    ),
    "funk": Style(
        tempo_bpm=(96, 118),
        beats=(4,),
        swing=0.55,
        chord_notes=4,
        major=((0, 0, 3, 3), (0, 3, 0, 4)),
        minor=((0, 0, 3, 3), (0, 0, 0, 3), (0, 6, 3, 0)),
        drums=(
            {
                "kick": "X..x..x...x..x..",
                "snare": "....X..o.o..X..o",
                "hat": "xoxoxoxoxoxoxoxo",
                "open hat": "..............x.",
            },
            {
                "kick": "X.x.......xx....",
                "snare": "....X..o.o.oX...",
                "hat": "x.xxx.xxx.xxx.xx",
                "clap": "....x.......x...",
            },
        ),
        bass=("octaves",),
        comp=("sixteenths", "stabs"),
        melody=("riff",),
        roles={
            "drums": ("drums",),
            "bass": ("electric bass",),
            "comp": ("electric guitar", "electric piano"),
            "melody": ("brass", "saxophone", "organ"),
        },
        optional={},
    ),
    "hip hop": Style(
        tempo_bpm=(78, 98),
        beats=(4,),
        swing=0.6,
        chord_notes=4,
        major=((0, 5, 0, 5), (3, 2, 1, 0)),
        minor=((0, 5, 0, 5), (0, 3, 5, 4), (0, 0, 5, 6)),
        drums=(
            {"kick": "X.....x.x.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.xx"},
            {"kick": "X..x......x..x..", "clap": "....X.......X...", "hat": "x.xxx.x.xxx.x.xx"},
        ),
        bass=("sub",),
        comp=("loop",),
        melody=("sparse",),
        roles={
            "drums": ("drums",),
            "bass": ("synth bass",),
            "comp": ("electric piano", "piano", "vibraphone"),
            "melody": ("strings", "flute", "synth lead"),
        },
        optional={"melody": 0.6},
    ),
    "jazz": Style(
        tempo_bpm=(112, 190),
        beats=(4,),
        swing=0.66,
        chord_notes=5,
        major=((1, 4, 0, 5), (1, 4, 0, 0), (0, 5, 1, 4), (2, 5, 1, 4)),
        minor=((1, 4, 0, 0), (0, 5, 1, 4), (0, 3, 1, 4)),
        drums=(
            {
                "ride": "x...x.o.x...x.o.",
                "pedal hat": "....x.......x...",
                "kick": "o.......o.......",
                "rim": "......o.......x.",
            },
            {"ride": "x...x.x.x...x.o.", "pedal hat": "....x.......x...", "snare": "..........o....."},
        ),
        bass=("walking",),
        comp=("charleston",),
        melody=("bebop",),
        roles={
            "drums": ("drums",),
            "bass": ("double bass",),
            "comp": ("piano", "electric guitar"),
            "melody": ("saxophone", "trumpet", "vibraphone"),
        },
        optional={"drums": 0.85},
    ),
    "latin": Style(
        tempo_bpm=(118, 150),
        beats=(4,),
        swing=0.5,
        chord_notes=4,
        major=((0, 1, 4, 0), (0, 5, 1, 4), (0, 3, 4, 3)),
        minor=((0, 3, 4, 0), (0, 6, 5, 4), (0, 0, 4, 4)),
        drums=(
            {
                "clave": "X..X..X...X.X...",
                "shaker": "xoxoxoxoxoxoxoxo",
                "conga": "..x...xx..x...xx",
                "low conga": "x.......x.......",
            },
            {
                "rim": "x..x..x...x..x..",
                "shaker": "xoxoxoxoxoxoxoxo",
                "kick": "x..xx..xx..xx..x",
                "cowbell": "x...x...x...x...",
            },
        ),
        bass=("tumbao",),
        comp=("montuno", "bossa"),
        melody=("riff", "lyrical"),
        roles={
            "drums": ("drums",),
            "bass": ("double bass", "electric bass"),
            "comp": ("piano", "acoustic guitar"),
            "melody": ("trumpet", "flute", "brass"),
        },
        optional={},
    ),
    "metal": Style(
        tempo_bpm=(132, 188),
        beats=(4,),
        swing=0.5,
        chord_notes=2,
        major=((0, 4, 5, 3), (0, 3, 0, 4)),
        minor=((0, 0, 5, 6), (0, 1, 0, 6), (0, 5, 2, 6)),
        drums=(
            {
                "kick": "XxxxXxxxXxxxXxxx",
                "snare": "....X.......X...",
                "crash": "X...............",
                "ride": "x...x...x...x...",
            },
            {"kick": "X.xxX.xxX.xxX.xx", "snare": "....X.......X...", "hat": "X.X.X.X.X.X.X.X."},
        ),
        bass=("chug",),
        comp=("chug",),
        melody=("shred", "lyrical"),
        roles={
            "drums": ("drums",),
            "bass": ("electric bass",),
            "comp": ("distorted guitar",),
            "melody": ("distorted guitar", "synth lead", "choir"),
        },
        optional={"melody": 0.7},
    ),
    "reggae": Style(
        tempo_bpm=(66, 88),
        beats=(4,),
        swing=0.58,
        chord_notes=3,
        major=((0, 3, 0, 3), (0, 4, 5, 3), (0, 1, 0, 1)),
        minor=((0, 3, 0, 3), (0, 6, 0, 6), (0, 3, 4, 0)),
        drums=(
            {
                "kick": "........X.......",
                "rim": "........X.......",
                "hat": "x.x.x.x.x.x.x.x.",
                "open hat": "..............o.",
            },
            {"kick": "x.......X.......", "snare": "........X.....o.", "hat": "x.xxx.xxx.xxx.xx"},
        ),
        bass=("dub",),
        comp=("skank",),
        melody=("sparse", "riff"),
        roles={
            "drums": ("drums",),
            "bass": ("electric bass",),
            "comp": ("electric guitar", "organ"),
            "melody": ("trumpet", "saxophone", "organ"),
        },
        optional={"melody": 0.7},
    ),
    "techno": Style(
        tempo_bpm=(122, 142),
        beats=(4,),
        swing=0.5,
        chord_notes=3,
        major=((0, 0, 3, 3), (0, 5, 3, 4)),
        minor=((0, 0, 0, 0), (0, 0, 5, 6), (0, 0, 3, 0)),
        drums=(
            {
                "kick": "X...X...X...X...",
                "open hat": "..x...x...x...x.",
                "hat": "xxxxxxxxxxxxxxxx",
                "clap": "....x.......x...",
            },
            {"kick": "X...X...X...X..x", "open hat": "..X...X...X...X.", "rim": "...x..x....x..x."},
        ),
        bass=("sixteenths",),
        comp=("trance", "stabs"),
        melody=("arpeggio",),
        roles={
            "drums": ("drums",),
            "bass": ("synth bass",),
            "comp": ("synth pad", "strings"),
            "melody": ("synth lead",),
        },
        optional={"comp": 0.8},
    ),
}
