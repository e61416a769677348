"""The small VAE of mel spectrograms: its ÷4, and that clips do not hear one another."""

import torch

from padstal.nn.mel_vae import MelVae


def test_a_spectrogram_becomes_a_quarter_of_its_frames_and_bands_and_comes_back_whole():
    vae = MelVae(bands=16, latent_channels=3, width=8, depth=1)
    mean, log_variance = vae.posterior(torch.randn(2, 20, 16))
    assert mean.shape == log_variance.shape == (2, 3, 5, 4)
    assert vae.decode(mean).shape == (2, 20, 16)


def test_a_clip_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    vae = MelVae(bands=16, latent_channels=3, width=8, depth=1).eval()
    mel = torch.randn(3, 12, 16)
    together, alone = vae.posterior(mel)[0][:1], vae.posterior(mel[:1])[0]
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-6)


def test_bands_are_told_apart_where_their_content_is_equal():
    torch.manual_seed(0)
    vae = MelVae(bands=16, latent_channels=3, width=8, depth=1)
    torch.nn.init.normal_(vae.inlet_row)
    mean, _ = vae.posterior(torch.zeros(1, 32, 16))
    assert not torch.allclose(mean[..., 4, 1], mean[..., 4, 2], atol=1e-4)
