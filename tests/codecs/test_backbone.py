import pytest
import torch

from padstal.codecs import backbone
from padstal.nn.oobleck import OobleckConfig
from padstal.nn.spectral import SpectralConfig

CONFIGS = [
    OobleckConfig(channels=1, width=4, multiples=(1, 2, 2), strides=(2, 3, 4)),
    OobleckConfig(channels=2, width=4, multiples=(1, 2), strides=(5, 8)),
    SpectralConfig(channels=1, width=16, n_fft=64, hop=16, stride=4, depth=1, deep_depth=1),
    SpectralConfig(channels=2, width=16, n_fft=64, hop=32, stride=2, depth=1, deep_depth=1),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("frames", [3, 8])
def test_the_ratio_is_exact_both_ways(config, frames):
    audio = torch.randn(2, config.channels, frames * config.ratio)
    features = backbone.encoder(config, 6)(audio)
    assert features.shape == (2, 6, frames)
    assert backbone.decoder(config, 6)(features).shape == audio.shape


@pytest.mark.parametrize("config", CONFIGS)
def test_every_weight_learns(config):
    encoder, decoder = backbone.encoder(config, 6), backbone.decoder(config, 6)
    audio = torch.randn(2, config.channels, 4 * config.ratio)
    decoder(encoder(audio)).square().mean().backward()
    for module in (encoder, decoder):
        for name, weight in module.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_survives_json(config):
    import json

    assert backbone.from_dict(json.loads(json.dumps(backbone.to_dict(config)))) == config


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'wave'"):
        backbone.from_dict({"kind": "wave"})


def test_strides_and_multiples_must_match():
    with pytest.raises(ValueError, match="2 multiples"):
        OobleckConfig(1, 4, (1, 2), (2, 2, 2))


def test_a_broken_frame_is_refused():
    with pytest.raises(ValueError, match="65 samples"):
        backbone.encoder(CONFIGS[2], 4)(torch.zeros(1, 1, 65))
