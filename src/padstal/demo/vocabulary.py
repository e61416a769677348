"""The words of the corpus: genres, instruments (General MIDI programs), moods, keys and degradations."""

GENRES = ("ambient", "classical", "folk", "funk", "hip hop", "jazz", "latin", "metal", "reggae", "techno")

PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": (0, 1),
    "electric piano": (4, 5),
    "vibraphone": (11,),
    "organ": (16, 18),
    "acoustic guitar": (24, 25),
    "electric guitar": (27, 28),
    "distorted guitar": (29, 30),
    "double bass": (32,),
    "electric bass": (33, 34),
    "synth bass": (38, 39),
    "violin": (40,),
    "cello": (42,),
    "strings": (48, 49),
    "choir": (52, 53),
    "trumpet": (56,),
    "brass": (61,),
    "saxophone": (65, 66),
    "flute": (73,),
    "synth lead": (80, 81),
    "synth pad": (89, 90),
    "drums": (0,),
}
"""Instrument → General MIDI programs (from 0) that play it; on the percussion channel 0 is the standard drum kit."""

INSTRUMENTS = tuple(PROGRAMS)

MOODS = ("calm", "dark", "dreamy", "energetic", "happy", "sad")

TONICS = ("c", "c sharp", "d", "e flat", "e", "f", "f sharp", "g", "a flat", "a", "b flat", "b")
MODES = ("major", "minor")
KEYS = tuple(f"{tonic} {mode}" for tonic in TONICS for mode in MODES)

DEGRADATIONS = ("noise", "clipping", "band limit", "hum", "dropouts", "coding", "wow")
