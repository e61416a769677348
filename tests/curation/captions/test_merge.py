from hypothesis import assume, given, settings
from hypothesis import strategies as st

from padstal.curation.captions.merge import Attribute, RuleMerger

MERGE = RuleMerger(
    exclusive={"genre": ("jazz", "hip hop", "techno"), "mood": ("calm", "dark")},
    free={"instrument": ("piano", "electric piano", "drums", "double bass")},
    max_bytes=110,
)
SAYINGS = (
    "jazz",
    "hip-hop",
    "Calm",
    "dark",
    "piano",
    "electric piano",
    "drums",
    "98 bpm",
    "in c sharp minor",
    "a melody",
)
CAPTIONS = st.lists(st.sampled_from(SAYINGS), min_size=1, max_size=8).map(", ".join)


def test_the_generated_caption_adds_what_the_original_does_not_say():
    assert MERGE("jazz, piano", "calm jazz with drums at 98 bpm") == "jazz, piano, calm, drums, 98 bpm"


def test_what_contradicts_the_original_is_left_out():
    merged = MERGE("a calm jazz piece in a minor at 90 bpm", "techno, dark, drums, 128 bpm, c sharp major")
    assert merged == "a calm jazz piece in a minor at 90 bpm, drums"


def test_a_longer_term_hides_the_shorter_one_in_it():
    assert MERGE.attributes("electric piano") == [Attribute("instrument", "electric piano")]
    assert MERGE("electric piano", "piano") == "electric piano, piano"


def test_words_are_whole_in_any_case_and_a_hyphen_is_a_space():
    assert MERGE.attributes("Hip-Hop, jazzy, CALM") == [Attribute("genre", "hip-hop"), Attribute("mood", "calm")]


def test_keys_and_tempi_are_recognised_and_other_numbers_are_not():
    found = MERGE.attributes("in F# major, 98 bpm, recorded in 1998, b flat minor")
    assert [(a.kind, a.text) for a in found] == [("key", "f# major"), ("tempo", "98 bpm"), ("key", "b flat minor")]


def test_an_original_that_is_too_long_cannot_be_merged():
    assert MERGE("x" * 111, "jazz") == ""
    assert MERGE("é" * 56, "jazz") == ""


def test_attributes_that_no_longer_fit_are_left_out():
    short = RuleMerger(MERGE.exclusive, MERGE.free, max_bytes=16)
    assert short("piano", "double bass, drums") == "piano, drums"


@given(CAPTIONS, CAPTIONS)
@settings(deadline=None)
def test_a_merged_caption_keeps_the_original_and_never_has_two_of_a_kind_that_it_had_not(original, generated):
    merged = MERGE(original, generated)
    assume(merged)
    assert merged.startswith(original.rstrip("., ;"))
    assert len(merged.encode()) <= MERGE.max_bytes
    for kind in ("genre", "mood", "tempo", "key"):
        said = [a for a in MERGE.attributes(original) if a.kind == kind]
        now = [a for a in MERGE.attributes(merged) if a.kind == kind]
        assert len(now) <= max(1, len(said))
    heard = {a for text in (original, generated) for a in MERGE.attributes(text)}
    assert set(MERGE.attributes(merged)) <= heard


@given(CAPTIONS, CAPTIONS)
@settings(deadline=None)
def test_merging_again_adds_nothing(original, generated):
    merged = MERGE(original, generated)
    assume(merged)  # "" is a refusal: the original alone is too long
    assert MERGE(merged, generated) == merged
