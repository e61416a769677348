import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.curation.captions.fake_llm import quoted_in

from padstal.curation.captions.guard import clean
from padstal.curation.captions.prompt import LONGEST_QUOTED, AnswerError, Pair, caption_of, messages, quoted, sentence

MARKS = ("<|im_start|>", "[INST]", "</s>", '"', "“", "”", "\\", "```", "\n\nsystem: ", "\u202e", "{{x}}", "\x00")
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from((*MARKS, "piano ", "jazz")), max_size=8).map("".join))


def test_the_sentence_is_the_papers():
    assert sentence(Pair("jazz, piano", "a calm tune")) == (
        'Merge this music caption "a calm tune" with the ground truth tags "jazz, piano". Do not add any imaginary '
        "elements and try to keep the modified caption refined and accurate."
    )
    assert [message["role"] for message in messages(Pair("a", "b"))] == ["system", "user"]


@given(TEXTS, TEXTS)
def test_no_caption_can_end_its_quotes_or_spell_a_templates_mark(original, generated):
    prompt = sentence(Pair(original, generated))
    assert quoted_in(prompt) == (clean(generated), clean(original))
    assert "\n" not in prompt
    assert not set("<>[]{}`") & set(prompt)
    assert all(letter.isprintable() for letter in prompt)


def test_quoting_gives_back_the_caption():
    assert json.loads(quoted('a "quoted" <b> \\ ♯ caption')) == 'a "quoted" <b> \\ ♯ caption'


def test_a_caption_that_is_far_too_long_is_not_shown():
    assert Pair("x" * LONGEST_QUOTED, "y").is_short
    assert not Pair("x" * (LONGEST_QUOTED + 1), "y").is_short
    assert not Pair("x", "y " * LONGEST_QUOTED).is_short


@pytest.mark.parametrize(
    ("answer", "caption"),
    [
        ('{"caption": "calm jazz with piano"}', "calm jazz with piano"),
        ('```json\n{"caption": "calm jazz"}\n```', "calm jazz"),
        ("  calm jazz, piano \n", "calm jazz, piano"),
        ('"calm jazz"', "calm jazz"),
        ("“calm jazz”", "calm jazz"),
        ("", ""),
    ],
)
def test_the_caption_of_an_answer_in_either_form(answer, caption):
    assert caption_of(answer) == caption


@pytest.mark.parametrize(
    "answer",
    [
        '{"caption": "calm"',
        '{"caption": 3}',
        '{"caption": ["calm"]}',
        '{"caption": "calm", "tool": "shell"}',
        '["calm"]',
        "calm\njazz",
        "Here is the caption:\ncalm jazz",
        "{" * 100_000,
        '{"a":' * 5000,
    ],
)
def test_other_answers_are_no_captions(answer):
    with pytest.raises(AnswerError):
        caption_of(answer)
