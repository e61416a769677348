import numpy as np
import pytest
from tests.curation.fakes import FakeClap

from padstal.curation.captions.similarity import TextEmbeddings, centre_window, cosine, shuffled_cosine


def test_the_window_is_the_middle_of_the_clip():
    assert centre_window(np.arange(10)[None], 4).tolist() == [[3, 4, 5, 6]]
    assert centre_window(np.arange(4)[None], 4).tolist() == [[0, 1, 2, 3]]


def test_a_short_clip_is_repeated():
    assert centre_window(np.arange(3)[None], 7).tolist() == [[0, 1, 2, 0, 1, 2, 0]]


def test_each_caption_is_embedded_once_and_an_empty_one_never():
    clap = FakeClap()
    texts = TextEmbeddings(clap, batch=2)
    texts.add(["b", "a", "b", "", "c"])
    first = texts.of(["a", "", "c"], clap.features)
    assert clap.texts_seen == ["a", "b", "c"]
    assert np.isnan(first[1]).all()
    np.testing.assert_array_equal(first[0], FakeClap().embed_text(["a"])[0])
    assert len(texts) == 3


def test_cosine_is_one_for_equals_and_nan_where_a_side_is_missing():
    x = FakeClap().embed_text(["a", "b"])
    assert cosine(x, x) == pytest.approx([1, 1])
    assert np.isnan(cosine(x, np.full_like(x, np.nan))).all()


def test_shuffled_pairs_never_match_a_clip_with_its_own_caption():
    eye = np.eye(40, dtype=np.float32)
    assert (shuffled_cosine(eye, eye) == 0).all()
    assert len(shuffled_cosine(eye, eye)) == 400
    assert len(shuffled_cosine(eye[:1], eye[:1])) == 0
