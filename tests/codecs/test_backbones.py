import pytest
import torch

from padstal.codecs.backbones import BACKBONES, Oobleck, Spectral

FORMS = [
    (Oobleck(width=4, multiples=(1, 2, 2), strides=(2, 3, 4)), 1),
    (Oobleck(width=4, multiples=(1, 2), strides=(5, 8)), 2),
    (Spectral(width=16, n_fft=64, hop=16, stride=4, depth=1, deep_depth=1), 1),
    (Spectral(width=16, n_fft=64, hop=32, stride=2, depth=1, deep_depth=1), 2),
]


@pytest.mark.parametrize(("backbone", "channels"), FORMS)
@pytest.mark.parametrize("frames", [3, 8])
def test_the_ratio_is_exact_both_ways(backbone, channels, frames):
    audio = torch.randn(2, channels, frames * backbone.ratio)
    features = backbone.encoder(channels, 6)(audio)
    assert features.shape == (2, 6, frames)
    assert backbone.decoder(channels, 6)(features).shape == audio.shape


@pytest.mark.parametrize(("backbone", "channels"), FORMS)
def test_every_weight_learns(backbone, channels):
    encoder, decoder = backbone.encoder(channels, 6), backbone.decoder(channels, 6)
    audio = torch.randn(2, channels, 4 * backbone.ratio)
    decoder(encoder(audio)).square().mean().backward()
    for module in (encoder, decoder):
        for name, weight in module.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("backbone", "channels"), FORMS)
def test_a_backbone_survives_json(backbone, channels):
    import json

    assert BACKBONES.parse(json.loads(json.dumps(backbone.model_dump(mode="json")))) == backbone


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'wave': expected a codec backbone"):
        BACKBONES.parse({"kind": "wave"})


def test_strides_and_multiples_must_match():
    with pytest.raises(ValueError, match="2 multiples"):
        Oobleck(width=4, multiples=(1, 2), strides=(2, 2, 2))


def test_a_window_is_an_even_multiple_of_its_hop():
    with pytest.raises(ValueError, match="n_fft = 64: expected an even multiple of hop = 48"):
        Spectral(width=16, n_fft=64, hop=48, stride=4, depth=1, deep_depth=1)


def test_a_broken_frame_is_refused():
    with pytest.raises(ValueError, match="65 samples"):
        FORMS[2][0].encoder(1, 4)(torch.zeros(1, 1, 65))
