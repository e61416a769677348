import numpy as np
import pytest
import torch
from tests.codecs.fakes import FORM, FRAMES, SPECTRAL, FakeTextEncoder, audio_vae, tal_vae

from padstal.codecs.backbones import Oobleck
from padstal.codecs.checkpoint import load, save

OOBLECK = Oobleck(width=4, multiples=(1, 2), strides=(4, 8))


def _save(folder, model, config=None):
    save(folder, model, config or model.config, FORM, origin="test", name="a test")


@pytest.mark.parametrize("backbone", [SPECTRAL, OOBLECK])
def test_an_audio_vae_comes_back_the_same(tmp_path, backbone):
    torch.manual_seed(0)
    model = audio_vae(backbone=backbone)
    _save(tmp_path, model)
    loaded = load(tmp_path, "cpu")
    audio = torch.randn(2, 1, 8 * backbone.ratio)
    mean, std = loaded.encode(audio, None)
    expected = model.posterior(audio)
    torch.testing.assert_close(mean, expected.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(std, expected.std, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loaded.decode(mean), model.decode(mean), rtol=1e-4, atol=1e-5)
    assert (loaded.sample_rate, loaded.channels, loaded.ratio) == (8000, 1, backbone.ratio)
    assert loaded.latent_shape(8 * backbone.ratio) == (5, 8)
    assert loaded.channel_groups == {"z": (0, 5)}
    assert not any("parametrizations" in name for name in loaded.model.state_dict())  # weight norms are folded


@pytest.mark.parametrize("layout", ["resampled", "global"])
def test_a_tal_vae_encodes_to_w_m_of_the_audio_and_z_p_of_the_text(tmp_path, layout):
    torch.manual_seed(0)
    model = tal_vae(z_layout=layout)
    _save(tmp_path, model)
    loaded = load(tmp_path, "cpu")
    audio, texts = torch.randn(2, 1, FRAMES * SPECTRAL.ratio), FakeTextEncoder().encode(["jazz", "rock"])
    mean, std = loaded.encode(audio, texts)
    q = model.posteriors(audio, texts)
    assert mean.shape == std.shape == (2, 7, FRAMES)
    torch.testing.assert_close(mean[:, :4], q.w_m.mean)
    torch.testing.assert_close(mean[:, 4:], q.z_p.mean.expand(-1, -1, FRAMES))
    torch.testing.assert_close(std[:, :4], q.w_m.std)
    torch.testing.assert_close(loaded.probes(audio)["z_m"], q.z_m.mean.expand(-1, -1, FRAMES))
    torch.testing.assert_close(loaded.decode(mean), model.decode(mean))
    assert list(loaded.channel_groups) == ["w_m", "z_p"]
    assert not any(name.startswith(("encoder_w_t", "text_decoder")) for name in loaded.model.state_dict())


def test_a_tal_vae_refuses_to_encode_without_text(tmp_path):
    model = tal_vae()
    _save(tmp_path, model)
    with pytest.raises(ValueError, match="texts = None"):
        load(tmp_path, "cpu").encode(torch.zeros(1, 1, FRAMES * SPECTRAL.ratio), None)


def test_weights_of_another_form_are_refused(tmp_path):
    _save(tmp_path, audio_vae(), audio_vae(backbone=OOBLECK).config)
    with pytest.raises(ValueError, match="not weights of what config"):
        load(tmp_path, "cpu")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="train_vae"):
        load(tmp_path, "cpu")


def test_the_same_weights_give_the_same_bytes(tmp_path):
    model = audio_vae()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _save(tmp_path / name, model)
    for file in ("model.safetensors", "config.json"):
        assert np.array_equal((tmp_path / "one" / file).read_bytes(), (tmp_path / "two" / file).read_bytes())
