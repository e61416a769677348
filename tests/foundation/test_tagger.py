"""The tagger: posteriors are posteriors, tempo classes are semitones, features and tags agree."""

import numpy as np
import pytest
import torch

from padstal.foundation import tagger
from padstal.foundation.config import TaggerShape
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import save

VOCABULARY = tagger.Vocabulary(("low", "high"), ("sine", "noise"), ("calm", "wild"))
SHAPE = TaggerShape(bands=16, width=16, depth=2, features=12)


def noise(count: int, seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((count, 8192))).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = tagger.new(SHAPE, VOCABULARY).eval().requires_grad_(False)
    return tagger.ConvTagger(network, LogMel(16_000, bands=SHAPE.bands), SHAPE, VOCABULARY, torch.device("cpu"))


def test_posteriors_sum_to_1_or_lie_between_0_and_1(model):
    tags = model.tag(noise(5, 2))
    np.testing.assert_allclose(tags.genre_BG.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(tags.mood_BM.sum(axis=1), 1, atol=1e-5)
    assert tags.instrument_BI.min() >= 0
    assert tags.instrument_BI.max() <= 1


def test_features_give_the_same_tags_whatever_the_batch_and_after_a_round_trip(model, tmp_path):
    save(tmp_path, model.model, model.config | {"origin": "a test"})
    again = tagger.load(tmp_path, "cpu")
    audio = noise(6, 3)
    features = model.features(audio)
    assert features.shape == (6, 12)
    assert np.array_equal(features, again.features(audio))
    np.testing.assert_allclose(features, model.features(audio, batch=1), atol=1e-4)
    assert np.array_equal(model.tag(audio).genre_BG, again.tag_features(features).genre_BG)
    assert (again.genres, again.instruments, again.moods) == (("low", "high"), ("sine", "noise"), ("calm", "wild"))
    assert again.tag(audio[:0]).genre_BG.shape == (0, 2)


def test_a_tempo_comes_back_from_its_class_within_half_a_semitone():
    tempo = torch.linspace(42, 220, 50)
    posterior = torch.nn.functional.one_hot(tagger.tempo_class(tempo), tagger.TEMPO_CLASSES).float()
    ratio = tagger.expected_tempo(posterior) / tempo
    assert float(ratio.log2().abs().max()) <= 0.5 / 12 + 1e-6


def test_an_octaves_doubt_is_not_averaged():
    posterior = torch.zeros(1, tagger.TEMPO_CLASSES)
    posterior[0, 0], posterior[0, 12] = 0.45, 0.55
    assert float(tagger.expected_tempo(posterior)) == pytest.approx(80)
