"""The small CLAP: unit embeddings that depend on neither padding nor batch."""

import numpy as np
import pytest
import torch

from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import clap, pmos
from padstal.foundation.config import ClapShape
from padstal.foundation.store import save

SHAPE = ClapShape(
    embedding=16, bands=32, image=64, patch=8, width=16, depths=(1, 1), heads=(1, 2),
    text_width=16, text_layers=1, text_heads=2, text_length=40,
)  # fmt: skip
imports = pytest.mark.slow  # laion_clap takes seconds to import
SAMPLES = SHAPE.frames * 64
TEXTS = ["jazz, piano", "a calm ambient piece with synth pad", "", "TECHNO"]


def sines(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(SAMPLES) / 16_000
    return (0.3 * np.sin(2 * np.pi * rng.uniform(200, 4000, (count, 1)) * t)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    towers = clap.new(SHAPE, 16_000).eval().requires_grad_(False)
    return clap.SmallClap(towers, clap.log_mel(SHAPE, 16_000, SAMPLES), SHAPE, SAMPLES, torch.device("cpu"))


@imports
def test_a_text_is_heard_whole_if_there_is_room_for_its_end(model):
    assert model.hears_whole(["x" * 39, "x" * 40, "é" * 19, "é" * 20, ""]) == [True, False, True, False, True]
    assert torch.equal(clap.text_ids(["x" * 40], 40), clap.text_ids(["x" * 39], 40))


@imports
def test_embeddings_have_unit_norm(model):
    np.testing.assert_allclose(np.linalg.norm(model.embed_audio(sines(3, 1)), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(model.embed_text(TEXTS), axis=1), 1, atol=1e-5)
    assert model.embed_audio(sines(3, 1)).dtype == np.float32
    assert model.embed_text([]).shape == model.embed_audio(sines(0, 1)).shape == (0, 16)


@imports
def test_embeddings_do_not_depend_on_the_batch(model):
    audio = sines(5, 2)
    np.testing.assert_allclose(model.embed_audio(audio), model.embed_audio(audio, batch=1), atol=1e-5)
    np.testing.assert_allclose(model.embed_text(TEXTS), model.embed_text(TEXTS, batch=1), atol=1e-5)


@imports
def test_what_stands_behind_the_end_of_a_text_does_not_change_it(model):
    ids = clap.text_ids(["jazz, piano"], 40)
    behind = ids.clone()
    behind[0, int(ids.argmax()) + 1 :] = 120
    longer = torch.cat([clap.text_ids(["x" * 39], 40), ids])  # makes the batch compute all 40 positions
    bare = clap.text_features(model.model, ids)
    torch.testing.assert_close(clap.text_features(model.model, behind), bare, atol=1e-6, rtol=0)
    torch.testing.assert_close(clap.text_features(model.model, longer)[1:], bare, atol=1e-5, rtol=0)


@imports
def test_it_computes_what_laion_claps_own_forward_computes(model):
    own = torch.nn.functional.normalize(model.model.encode_text(clap.text_ids(TEXTS, 40), device="cpu"), dim=-1)
    torch.testing.assert_close(clap.text_features(model.model, clap.text_ids(TEXTS, 40)), own, atol=1e-5, rtol=0)


def test_a_text_is_bytes_then_the_end_and_case_is_ignored():
    ids = clap.text_ids(["Ab", "é" * 40], 10)
    assert ids[0].tolist() == [98, 99, clap.END, 0, 0, 0, 0, 0, 0, 0]
    assert ids[1, -1] == clap.END
    assert torch.all((ids[1, :-1] > 0) & (ids[1, :-1] < clap.END))


@imports
def test_a_model_folder_gives_the_same_bits(model, tmp_path):
    save(tmp_path, model.model, model.config | {"origin": "a test"})
    again = clap.load(tmp_path, "cpu")
    audio = sines(3, 4)
    assert np.array_equal(model.embed_audio(audio), again.embed_audio(audio))
    assert np.array_equal(model.embed_text(TEXTS), again.embed_text(TEXTS))
    assert again.window_seconds == SAMPLES / 16_000
    with pytest.raises(UntrustedFileError, match="'clap', expected 'pmos'"):
        pmos.load(tmp_path, "cpu")


@imports
def test_short_audio_is_repeated_and_long_audio_refused(model):
    audio = sines(1, 5)
    half = audio[:, : SAMPLES // 2]
    np.testing.assert_allclose(model.embed_audio(half), model.embed_audio(np.tile(half, (1, 2))), atol=1e-6)
    with pytest.raises(ValueError, match="one window each"):
        model.embed_audio(np.zeros((1, SAMPLES + 1), np.float32))
    with pytest.raises(ValueError, match="one window each"):
        model.embed_audio(np.zeros((1, 2, SAMPLES), np.float32))


def test_a_shape_that_cannot_be_is_refused():
    for wrong, message in (({"image": 60}, "image = 60"), ({"depths": (1,)}, "depths")):
        with pytest.raises(ValueError, match=message):
            ClapShape(**(SHAPE.model_dump() | wrong))
