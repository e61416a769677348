"""Captions say true things, in 2 to 8 attributes and at most 110 bytes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from padstal.demo.brief import draw_brief
from padstal.demo.grammar import MAX_BYTES, attributes, caption, one_tag, tag_list

seeds = st.integers(0, 10**6)


@given(seeds)
def test_a_tag_list_has_two_to_eight_true_attributes(seed):
    rng = np.random.default_rng(seed)
    brief = draw_brief(rng)
    words = tag_list(brief, rng).split(", ")
    assert 2 <= len(words) <= 8
    assert set(words) <= set(attributes(brief))
    assert len(words) == len(set(words))


@given(seeds)
def test_a_caption_names_something_true_and_is_short(seed):
    rng = np.random.default_rng(seed)
    brief = draw_brief(rng)
    text = caption(brief, rng)
    assert len(text.encode()) <= MAX_BYTES
    assert sum(word in text for word in attributes(brief)) >= 2


def test_most_captions_state_the_genre_and_most_tag_lists_start_with_it():
    rng = np.random.default_rng(0)
    briefs = [draw_brief(rng) for _ in range(300)]
    assert np.mean([brief.genre in caption(brief, rng) for brief in briefs]) > 0.8
    assert 0.65 < np.mean([tag_list(brief, rng).startswith(brief.genre) for brief in briefs]) < 0.95


def test_a_weak_caption_is_one_attribute_that_is_not_the_genre():
    rng = np.random.default_rng(1)
    for _ in range(50):
        brief = draw_brief(rng)
        assert one_tag(brief, rng) in attributes(brief)[1:]
