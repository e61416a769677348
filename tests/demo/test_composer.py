"""The composer keeps to its brief: tempo, key, instruments, mood; and composes the same piece twice."""

import numpy as np
import pytest

from padstal.demo.brief import Brief, draw_brief
from padstal.demo.composer import TICKS, compose
from padstal.demo.harmony import SCALES, chord, near, scale_pitch, voice
from padstal.demo.renderer import PEAK, RENDER_RATE, render
from padstal.demo.style import MOOD_EFFECTS, STYLES
from padstal.demo.vocabulary import GENRES, INSTRUMENTS, KEYS, MOODS, PROGRAMS


def _brief(genre: str, mood: str = "happy", seed: int = 0) -> Brief:
    return draw_brief(np.random.default_rng(seed), genre=genre, moods=(mood,))


def _events(score):
    return [
        (track.name, note.time, note.duration, note.pitch, note.velocity)
        for track in score.tracks
        for note in track.notes
    ]


def test_styles_and_moods_cover_the_vocabulary():
    assert tuple(sorted(STYLES)) == GENRES
    assert tuple(sorted(MOOD_EFFECTS)) == MOODS
    assert {name for style in STYLES.values() for names in style.roles.values() for name in names} <= set(INSTRUMENTS)


@pytest.mark.parametrize("genre", GENRES)
def test_every_way_of_playing_of_a_genre_keeps_tempo_program_and_pitch(genre):
    for seed in range(6):
        brief = _brief(genre, MOODS[seed], seed)
        score = compose(brief, seconds=8, rng=np.random.default_rng(seed))
        low, high = STYLES[genre].tempo_bpm
        assert low <= brief.tempo_bpm <= high
        assert score.tempos[0].qpm == pytest.approx(brief.tempo_bpm, abs=0.01)
        assert {track.name for track in score.tracks} == set(brief.instruments)
        assert all(track.program in PROGRAMS[track.name] for track in score.tracks)
        assert max(note.end for track in score.tracks for note in track.notes) / TICKS * 60 / brief.tempo_bpm > 7


def test_the_same_seed_composes_the_same_piece_and_another_seed_another():
    brief = _brief("jazz")
    first, second, third = (compose(brief, seconds=8, rng=np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert _events(first) == _events(second)
    assert _events(first) != _events(third)


def test_pitches_of_melody_and_chords_are_in_the_stated_key():
    for genre in ("classical", "folk", "techno", "ambient"):
        brief = _brief(genre, "happy")
        scale = {(brief.tonic + step) % 12 for step in SCALES[brief.mode]}
        score = compose(brief, seconds=12, rng=np.random.default_rng(1))
        notes = [note.pitch % 12 for track in score.tracks if not track.is_drum for note in track.notes]
        assert np.mean([pitch in scale for pitch in notes]) > 0.97
        assert brief.key in KEYS


def test_mood_moves_register_velocity_and_mode():
    def means(mood: str) -> tuple[float, float, float]:
        pitches, velocities, minors = [], [], []
        for seed in range(8):
            brief = _brief("classical", mood, seed)
            score = compose(brief, seconds=8, rng=np.random.default_rng(seed))
            notes = [note for track in score.tracks if track.name != "cello" for note in track.notes]
            pitches.append(np.mean([note.pitch for note in notes]))
            velocities.append(np.mean([note.velocity for note in notes]))
            minors.append(brief.mode == "minor")
        return float(np.mean(pitches)), float(np.mean(velocities)), float(np.mean(minors))

    dark, dreamy, happy = means("dark"), means("dreamy"), means("happy")
    assert dreamy[0] - dark[0] > 12
    assert happy[1] - dreamy[1] > 15
    assert (dark[2], happy[2]) == (1.0, 0.0)


def test_chords_follow_music_theory():
    assert [pitch % 12 for pitch in chord(0, "major", 0, 3)] == [0, 4, 7]
    assert [pitch % 12 for pitch in chord(9, "minor", 0, 3)] == [9, 0, 4]
    assert [pitch % 12 for pitch in chord(0, "major", 4, 4)] == [7, 11, 2, 5]
    assert [pitch % 12 for pitch in chord(0, "minor", 4, 3)] == [7, 11, 2], "the dominant has its leading tone"
    assert scale_pitch(0, "major", 7) == 12
    assert scale_pitch(0, "major", -1) == -1


def test_the_nearest_pitch_is_of_the_same_class_and_within_half_an_octave():
    for pitch in range(-5, 30):
        assert near(pitch, 60) % 12 == pitch % 12
        assert abs(near(pitch, 60) - 60) <= 6
    assert voice((0, 4, 7), 60) == (55, 60, 64)


def test_rendering_does_not_depend_on_what_was_rendered_before():
    score = compose(_brief("techno"), seconds=2, rng=np.random.default_rng(0))
    other = compose(_brief("ambient", "dark"), seconds=2, rng=np.random.default_rng(1))
    first = render(score, seconds=2)
    render(other, seconds=2)
    assert np.array_equal(first, render(score, seconds=2))
    assert first.shape == (2 * RENDER_RATE, 2)
    assert first.dtype == np.float32
    assert np.abs(first).max() == pytest.approx(PEAK, rel=1e-5)


def test_a_silent_score_is_an_error():
    from symusic import Score

    with pytest.raises(ValueError, match="silence"):
        render(Score(480), seconds=1)
