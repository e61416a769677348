"""What a draw teaches: nothing lost in a split, labels that mean what they say, captions that stay true."""

from dataclasses import fields

import numpy as np
import pytest

from padstal.demo import lessons
from padstal.demo.config import Draw
from padstal.demo.draw import labelled_clips
from padstal.demo.vocabulary import GENRES, INSTRUMENTS, MOODS


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    draw = Draw(seed=4, clip_seconds=1.0, sample_rate=16_000, degraded_share=0.5, held_out=20)
    return labelled_clips(12, draw, store=tmp_path_factory.mktemp("draw"))


def test_a_split_shares_nothing_and_loses_nothing(clips):
    learn, test = lessons.split(clips, 3)
    for field in fields(clips):
        whole, first, last = (getattr(part, field.name) for part in (clips, learn, test))
        assert len(first) == 9
        assert len(last) == 3
        assert (
            np.array_equal(np.concatenate([first, last]), whole) if hasattr(whole, "shape") else first + last == whole
        )


def test_labels_point_at_the_words(clips):
    labels = lessons.labels(clips)
    assert [GENRES[i] for i in labels.genre_B] == clips.genre
    assert [MOODS[i] for i in labels.mood_B] == clips.mood
    for row, sounding in enumerate(clips.instruments):
        assert {INSTRUMENTS[i] for i in np.flatnonzero(labels.instrument_BI[row])} == set(sounding)


def test_fresh_captions_differ_and_say_only_what_is_true_of_the_clip(clips):
    caption_of, rng = lessons.fresh_captions(clips), np.random.default_rng(0)
    for row in range(len(clips.genre)):
        texts = {caption_of(row, rng) for _ in range(8)}
        assert len(texts) > 3
        wrong = (set(GENRES) - {clips.genre[row]}) | (set(MOODS) - {clips.mood[row]})
        for text in texts:
            assert not [word for word in wrong if f" {word} " in f" {text.replace(',', ' ')} "]
            if "bpm" in text:
                assert f"{clips.tempo_B[row]:.0f} bpm" in text


def test_captions_without_audio_begin_alike_whatever_their_number():
    assert lessons.captions(20, 7)[:5] == lessons.captions(5, 7)
    assert lessons.captions(20, 7) != lessons.captions(20, 8)
    assert max(len(text.encode()) for text in lessons.captions(300, 7)) <= 110
