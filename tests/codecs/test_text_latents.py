import math

import pytest
import torch

from padstal.codecs.text_latents import TextLatentDecoder, TextLatentEncoder


def _encoder():
    torch.manual_seed(0)
    return TextLatentEncoder(state_width=12, positions=10, pool_width=32, latent_channels=3, initial_std=math.log(2))


@pytest.mark.parametrize("frames", [1, 4, 16])
def test_any_number_of_frames_comes_out(frames):
    q = _encoder()(torch.randn(2, 10, 12), torch.ones(2, 10, dtype=torch.bool), frames)
    assert q.mean.shape == q.std.shape == (2, 3, frames)
    assert (q.std > 0).all()


def test_states_at_padding_are_not_read():
    encoder = _encoder()
    states, mask = torch.randn(1, 10, 12), torch.arange(10)[None] < 4
    other = states.clone()
    other[:, 4:] = 99.0
    torch.testing.assert_close(encoder(states, mask, 5).mean, encoder(other, mask, 5).mean, rtol=0, atol=0)
    assert not torch.equal(encoder(states, mask, 5).mean, encoder(states, mask | True, 5).mean)


def test_mean_and_scale_are_the_halves_of_the_pooled_feature_axis():
    encoder = _encoder()
    states, mask = torch.randn(1, 10, 12), torch.ones(1, 10, dtype=torch.bool)
    wide = encoder.widen(states)  # 32 features, 2T = 8: means of 4 neighbours
    pooled = wide.reshape(1, 10, 8, 4).mean(-1)
    mixed = torch.einsum("blt,dl->bdt", pooled, encoder.mix.weight[..., 0]) + encoder.mix.bias[:, None]
    q = encoder(states, mask, 4)
    torch.testing.assert_close(q.mean, mixed[..., :4])
    torch.testing.assert_close(q.std, torch.nn.functional.softplus(mixed[..., 4:]) + 1e-4)


def test_the_text_decoder_reads_both_latents_at_every_position():
    torch.manual_seed(0)
    decoder = TextLatentDecoder(
        frames=4, latent_channels=3, width=16, positions=10, heads=2, feedforward=16, vocabulary=20
    )
    z, w = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(2))
    logits = decoder(z, w)
    assert logits.shape == (2, 10, 20)
    for position in range(10):
        for grad in torch.autograd.grad(logits[0, position].square().sum(), (z, w), retain_graph=True):
            assert grad[0].abs().sum() > 0
            assert grad[1].abs().sum() == 0


def test_a_last_norm_stands_before_the_logits():
    torch.manual_seed(0)
    decoder = TextLatentDecoder(
        frames=4, latent_channels=3, width=8, positions=5, heads=2, feedforward=8, vocabulary=8, norm=True
    )
    with torch.no_grad():
        decoder.outlet.weight.copy_(torch.eye(8))
        decoder.outlet.bias.zero_()
    logits = decoder(*(100 * torch.randn(2, 3, 4) for _ in range(2)))
    torch.testing.assert_close(logits.mean(-1), torch.zeros(2, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits.var(-1, unbiased=False), torch.ones(2, 5), atol=1e-3, rtol=0)
