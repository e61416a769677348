"""How a brief is put into words: tag lists and short sentences of 2 to 8 attributes, at most 110 bytes."""

import numpy as np

from padstal.demo.brief import Brief

MAX_BYTES = 110
MIN_ATTRIBUTES, MAX_ATTRIBUTES = 2, 8
GENRE_FIRST = 0.75
"""Probability that a tag list starts with the genre."""
SENTENCE = 0.35
"""Probability of a sentence rather than a tag list."""


def attributes(brief: Brief) -> tuple[str, ...]:
    """Everything that can be said: genre, instruments, mood, tempo, key."""
    return (brief.genre, *brief.instruments, brief.mood, f"{brief.tempo_bpm} bpm", brief.key)


def caption(brief: Brief, rng: np.random.Generator) -> str:
    """A true caption of a piece."""
    text = _sentence(brief, rng) if rng.random() < SENTENCE else tag_list(brief, rng)
    return text if len(text.encode()) <= MAX_BYTES else tag_list(brief, rng)


def tag_list(brief: Brief, rng: np.random.Generator) -> str:
    """Attributes in random order, joined by ", "; those that would pass `MAX_BYTES` are left out."""
    said = list(attributes(brief))
    order = [said[i] for i in rng.permutation(len(said))]
    if rng.random() < GENRE_FIRST:
        order.remove(brief.genre)
        order.insert(0, brief.genre)
    count = int(rng.integers(MIN_ATTRIBUTES, MAX_ATTRIBUTES + 1))
    text = order[0]
    for word in order[1:count]:
        longer = f"{text}, {word}"
        if len(longer.encode()) <= MAX_BYTES:
            text = longer
    return text


def one_tag(brief: Brief, rng: np.random.Generator) -> str:
    """A weak caption: a single attribute other than the genre."""
    return str(rng.choice(attributes(brief)[1:]))


def _sentence(brief: Brief, rng: np.random.Generator) -> str:
    with_mood, with_tempo, with_key = rng.random(3) < (0.7, 0.4, 0.35)
    count = int(rng.integers(1, min(3, len(brief.instruments)) + 1))
    chosen = [brief.instruments[i] for i in sorted(rng.permutation(len(brief.instruments))[:count])]
    listed = chosen[0] if count == 1 else f"{', '.join(chosen[:-1])} and {chosen[-1]}"
    subject = f"{brief.mood} {brief.genre}" if with_mood else brief.genre
    article = "an" if subject[0] in "aeiou" else "a"
    opening = (
        f"{article} {subject} piece with {listed}",
        f"{article} {subject} track featuring {listed}",
        f"{subject} music played on {listed}",
    )[int(rng.integers(3))]
    tempo = f" at {brief.tempo_bpm} bpm" if with_tempo else ""
    key = f" in {brief.key}" if with_key else ""
    return opening + tempo + key
