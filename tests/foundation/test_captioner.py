"""Captions name what was heard for sure, in the corpus' manner, within 110 bytes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.protocols import Tags
from padstal.foundation import captioner, tagger
from padstal.foundation.captioner import MAX_BYTES, TagCaptioner, join


class Heard:
    """A tagger that hears what it is told to."""

    sample_rate = 16_000
    genres = ("jazz", "techno")
    instruments = ("piano", "drums", "flute")
    moods = ("calm", "happy")

    def tag(self, audio_BS: np.ndarray) -> Tags:
        return Tags(
            genre_BG=np.array([[0.4, 0.6], [0.9, 0.1]]),
            instrument_BI=np.array([[0.6, 0.9, 0.2], [0.1, 0.2, 0.3]]),
            mood_BM=np.array([[0.2, 0.8], [0.51, 0.49]]),
            tempo_B=np.array([128.4, 61.6]),
        )


def test_sure_tags_are_named_surest_instrument_first_with_the_tempo_last():
    captioner = TagCaptioner(Heard())
    captions = captioner.caption(np.zeros((2, 10), np.float32))
    assert captions == ["techno, happy, drums, piano, 128 bpm", "jazz, calm, 62 bpm"]
    assert captioner.sample_rate == 16_000


def test_a_composed_captioner_is_a_config_that_leads_to_the_tagger(tmp_path, monkeypatch):
    captioner.compose(tmp_path)
    monkeypatch.setattr(tagger, "load", lambda folder, device: (folder, device))
    loaded = captioner.load(tmp_path, tmp_path / "tagger", "cpu")
    assert loaded.tagger == (tmp_path / "tagger", "cpu")
    assert loaded.licence == ""
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=12))
def test_a_caption_never_passes_its_bytes_unless_its_first_word_does(words):
    text = join(words)
    assert text.startswith(words[0])
    assert len(text.encode()) <= max(MAX_BYTES, len(words[0].encode()))
