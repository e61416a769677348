"""Long latents decoded in chunks: what one pass would make, for every codec whose decoder is convolutional."""

from typing import Any

import pytest
import torch
from tests.codecs.fakes import FORM, SPECTRAL, audio_vae, tal_vae

from padstal.codecs.audio_vae import FrozenAudioVae
from padstal.codecs.backbones import Backbone, Oobleck, Spectral
from padstal.codecs.chunks import reach_of
from padstal.codecs.tal_vae import FrozenTalVae

OOBLECK = Oobleck(width=4, multiples=(1, 2, 4), strides=(2, 3, 4))
DEEP = Spectral(width=16, n_fft=128, hop=32, stride=2, depth=2, deep_depth=2)


def frozen(kind: str, chunk: int) -> Any:
    torch.manual_seed(0)
    if kind == "audio_vae":
        return FrozenAudioVae(audio_vae(backbone=DEEP).eval(), FORM, chunk)
    if kind == "oobleck":
        return FrozenAudioVae(audio_vae(backbone=OOBLECK).eval(), FORM, chunk)
    return FrozenTalVae(tal_vae(z_layout=kind).eval(), FORM, chunk)


@pytest.mark.parametrize("chunk", [7, 64])
@pytest.mark.parametrize("kind", ["audio_vae", "oobleck", "resampled", "global"])
def test_chunks_are_what_one_pass_makes_edges_and_seams_too(kind: str, chunk: int) -> None:
    whole, parts = frozen(kind, 10_000), frozen(kind, chunk)
    latent = torch.randn(2, whole.latent_shape(whole.ratio)[0], 150)
    expected = whole.decode(latent)
    assert expected.shape[-1] == 150 * whole.ratio
    assert expected.abs().max() > 1e-2
    torch.testing.assert_close(parts.decode(latent), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backbone", [OOBLECK, SPECTRAL, DEEP])
def test_a_sample_depends_on_no_frame_beyond_the_reach(backbone: Backbone) -> None:
    torch.manual_seed(0)
    codec = FrozenAudioVae(audio_vae(backbone=backbone).eval(), FORM)
    latent = torch.randn(1, 5, 161)
    touched = latent.clone()
    touched[..., 80] += 10
    moved = (codec.decode(touched) - codec.decode(latent)).abs().amax((0, 1)).view(161, -1).amax(1) > 1e-6
    frames = moved.nonzero().flatten()
    assert frames.min() >= 80 - codec.reach
    assert frames.max() <= 80 + codec.reach
    assert len(frames) > 1


def test_without_its_reach_seams_would_be_heard() -> None:
    whole, parts = frozen("oobleck", 10_000), frozen("oobleck", 32)
    parts.reach = 0
    latent = torch.randn(1, 5, 150)
    assert (parts.decode(latent) - whole.decode(latent)).abs().max() > 1e-4


def test_the_reach_of_stable_audio_opens_decoder() -> None:
    backbone = Oobleck(width=4, multiples=(1, 2, 4, 8, 16), strides=(2, 4, 4, 8, 8))
    assert reach_of(backbone.decoder(2, 64)) == 10
