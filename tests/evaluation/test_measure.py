"""All metrics of one setting, and what the models hear."""

import numpy as np
import pytest
from tests.evaluation.fakes import (
    BANDS,
    GENRES,
    RATE,
    FakeClap,
    FakeEmbedder,
    FakePmos,
    FakeTagger,
    pcm,
    spectrum,
    tone,
)

from padstal.evaluation.clap_score import flattened
from padstal.evaluation.frechet import frechet, gaussian
from padstal.evaluation.hear import Ears, Heard, hear
from padstal.evaluation.inception import inception_score
from padstal.evaluation.judged import Judged, Prompts, Reference
from padstal.evaluation.kl import kl
from padstal.evaluation.measure import measure
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.vendi import vendi

EARS = Ears(FakeClap(), FakeTagger(), FakePmos(), (0.15, 0.5, 0.85), 0, {"fad": FakeEmbedder()})


def listen(audio: list[np.ndarray]) -> Heard:
    sounds = np.stack([pcm(one) for one in audio])
    return hear(lambda start, stop: sounds[start:stop], len(sounds), RATE, EARS, batch=5)


def world(detune: float) -> tuple[Heard, Prompts, Reference]:
    generator = np.random.default_rng(0)

    def clip(genre: str, spread: float) -> np.ndarray:
        stray = generator.uniform(-spread, spread)
        return tone(genre, generator.uniform(0, 6), stray) + 0.02 * generator.standard_normal(1024)

    asked = [GENRES[number % 4] for number in range(8)]
    heard = listen([clip(genre, detune) for genre in asked for _ in range(3)])
    real = listen([clip(genre, 60) for genre in asked for _ in range(2)])
    own = real.genre_NG[::2]
    prompts = Prompts(FakeClap().embed_text(asked), np.array([GENRES.index(genre) for genre in asked]), own)
    training = flattened(listen([clip(genre, 60) for genre in asked]).clap_NWD)
    reference = Reference(real, real.genre_NG.argmax(axis=1), training)
    return heard.take(np.arange(24).reshape(8, 3)), prompts, reference


def test_batches_do_not_change_what_is_heard() -> None:
    audio = [tone(genre) for genre in GENRES * 2]
    sounds = np.stack([pcm(one) for one in audio])
    small, large = (hear(lambda a, b: sounds[a:b], 8, RATE, EARS, batch=batch) for batch in (3, 8))
    np.testing.assert_allclose(small.clap_NWD, large.clap_NWD)
    with pytest.raises(ValueError, match="no clips"):
        hear(lambda a, b: sounds[a:b], 0, RATE, EARS, batch=3)


def test_a_model_that_breaks_on_a_clip_is_an_error_that_names_it() -> None:
    class Broken(FakePmos):
        def score(self, audio_BS: np.ndarray) -> np.ndarray:
            out = super().score(audio_BS)
            out[np.abs(audio_BS).max(axis=1) == 0] = np.nan
            return out

    sounds = np.stack([pcm(tone("jazz"))] * 6 + [pcm(np.zeros(1024))])
    ears = Ears(FakeClap(), FakeTagger(), Broken(), (0.5,), 0)
    with pytest.raises(ValueError, match="pmos_N of clip 6 is not finite"):
        hear(lambda a, b: sounds[a:b], 7, RATE, ears, batch=4)


def test_metrics_are_those_of_their_modules() -> None:
    heard, prompts, reference = world(40)
    found = measure(Judged(heard, prompts, reference, 3), np.ones((50, 8), int), 20)
    flat = flattened(heard.clap_NWD.reshape(24, 3, -1)).reshape(8, 3, -1)
    assert found.values["vendi"] == pytest.approx(np.mean([vendi(flat[:, i]) for i in range(3)]))
    assert found.values["vendi_within"] == pytest.approx(np.mean([vendi(flat[p]) for p in range(8)]))
    features = heard.features_NF.reshape(24, -1)
    assert found.values["fd"] == pytest.approx(frechet(gaussian(reference.heard.features_NF), gaussian(features)))
    windows, real = heard.own["fad"].reshape(48, -1), reference.heard.own["fad"].reshape(32, -1)
    assert found.values["fad"] == pytest.approx(frechet(gaussian(real), gaussian(windows)))
    assert found.genres == (0, 1, 2, 3)
    assert found.clips == 24
    for name in METRICS:
        value = found.values[name]
        assert value is not None
        assert METRICS[name].limits[0] <= value <= METRICS[name].limits[1]
        np.testing.assert_allclose(found.draws[name], value)


def test_more_spread_is_more_diverse_and_covers_more() -> None:
    narrow, wide = (measure(Judged(*world(detune), 3), np.ones((1, 8), int), 1).values for detune in (1, 70))
    assert wide["vendi_within"] > narrow["vendi_within"]  # type: ignore[operator]
    assert wide["ibs"] < narrow["ibs"]  # type: ignore[operator]
    assert wide["mrecall"] > narrow["mrecall"]  # type: ignore[operator]
    assert wide["clap_f"] < narrow["clap_f"]  # type: ignore[operator]


def test_a_single_sample_has_no_within_prompt_diversity() -> None:
    heard, prompts, reference = world(40)
    single = heard.map(lambda array: array[:, :1])
    found = measure(Judged(single, prompts, reference, 1), np.ones((1, 8), int), 1)
    assert found.values["ibs"] is None
    assert found.intervals(0.95)["ibs"] is None


def test_metrics_are_taken_of_their_own_embedders_where_they_have_one() -> None:
    channels = [np.stack([tone(one), 0.5 * tone(other)], axis=1) for one in GENRES for other in GENRES]
    sounds = np.stack([np.round(20_000 * one).astype(np.int16) for one in channels])
    own = {"kl": FakeEmbedder(4), "inception": FakeEmbedder(6), "fd": FakeEmbedder(reads_channels=True)}
    ears = Ears(FakeClap(), FakeTagger(), FakePmos(), (0.5,), 0, own)
    heard = hear(lambda a, b: sounds[a:b], 16, RATE, ears, batch=5)
    assert {metric: array.shape for metric, array in heard.own.items()} == {
        "kl": (16, 1, 4), "inception": (16, 1, 6), "fd": (16, 2, 2 * BANDS)
    }  # fmt: skip
    left, mixed = sounds[..., 0] / 32768, sounds.mean(axis=2) / 32768
    np.testing.assert_allclose(heard.own["fd"][:, 0, :BANDS], spectrum(left[:, :512]), rtol=1e-4)
    alone = hear(lambda a, b: sounds[a:b, :, :1], 16, RATE, ears, batch=5).own["fd"]
    np.testing.assert_allclose(alone[..., :BANDS], heard.own["fd"][..., :BANDS], rtol=1e-4)
    np.testing.assert_array_equal(alone[..., BANDS:], alone[..., :BANDS])
    np.testing.assert_allclose(heard.posterior("kl"), FakeEmbedder(4).embed(mixed[:, None])[:, 0], rtol=1e-4)

    rows = np.arange(16).reshape(8, 2)
    prompts = Prompts(FakeClap().embed_text(list(GENRES * 2)), np.arange(8) % 4, heard.posterior("kl")[::2])
    judged = Judged(heard.take(rows), prompts, Reference(heard, np.arange(16) % 4), 3)
    found = measure(judged, np.ones((2, 8), int), 1)
    posterior_PIK = heard.posterior("kl")[rows]
    expected = kl(posterior_PIK, np.repeat(posterior_PIK[:, :1], 2, axis=1)).mean()
    assert found.values["kl"] == pytest.approx(expected)
    assert expected > 0.01
    assert found.inception == pytest.approx(inception_score(heard.posterior("inception")))
    assert found.values["fd"] == pytest.approx(0, abs=1e-6)
    assert found.values["fad"] is None
