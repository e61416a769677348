"""The tagger: posteriors are posteriors, tempo classes are semitones, features and tags agree."""

import numpy as np
import pytest
import torch

from padstal.demo.fit import Schedule
from padstal.foundation import tagger
from padstal.foundation.store import save

VOCABULARY = tagger.Vocabulary(("low", "high"), ("sine", "noise"), ("calm", "wild"))
SHAPE = tagger.Shape(bands=16, width=16, depth=2, features=12)


def clips(count: int, seed: int) -> tuple[np.ndarray, tagger.Labels]:
    """Low and high sines, with noise in half of them."""
    rng = np.random.default_rng(seed)
    t = np.arange(8192) / 16_000
    genre, noisy = rng.integers(0, 2, count), rng.integers(0, 2, count)
    pitch = np.where(genre == 0, 300.0, 2500.0) * rng.uniform(0.9, 1.1, count)
    audio = 0.3 * np.sin(2 * np.pi * pitch[:, None] * t) + 0.05 * noisy[:, None] * rng.standard_normal((count, 8192))
    instruments = np.stack([np.ones(count), noisy], axis=1).astype(np.float32)
    return audio.astype(np.float32), tagger.Labels(genre, instruments, noisy, np.where(noisy, 160.0, 80.0))


@pytest.fixture(scope="module")
def trained():
    audio, labels = clips(64, 0)
    device = torch.device("cpu")
    return tagger.train(audio, labels, VOCABULARY, SHAPE, Schedule(40, 32, 1e-2, 0), sample_rate=16_000, device=device)


def test_it_hears_what_it_was_taught_in_clips_that_it_did_not_learn(trained):
    audio, labels = clips(64, 1)
    tags = trained[0].tag(audio)
    assert np.mean(tags.genre_BG.argmax(axis=1) == labels.genre_B) > 0.9
    assert np.mean((tags.instrument_BI[:, 1] > 0.5) == labels.instrument_BI[:, 1]) > 0.9
    assert np.mean(np.abs(tags.tempo_B / labels.tempo_B - 1) < 0.1) > 0.9


def test_posteriors_sum_to_1_or_lie_between_0_and_1(trained):
    tags = trained[0].tag(clips(5, 2)[0])
    np.testing.assert_allclose(tags.genre_BG.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(tags.mood_BM.sum(axis=1), 1, atol=1e-5)
    assert tags.instrument_BI.min() >= 0
    assert tags.instrument_BI.max() <= 1


def test_features_give_the_same_tags_whatever_the_batch_and_after_a_round_trip(trained, tmp_path):
    model, config, _ = trained
    save(tmp_path, model.model, config | {"origin": "a test"})
    again = tagger.load(tmp_path, "cpu")
    audio = clips(6, 3)[0]
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
