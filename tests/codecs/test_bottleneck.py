import math

import torch
from torch.distributions import Normal, kl_divergence

from padstal.codecs.bottleneck import Gaussian


def _posterior():
    return Gaussian.from_features(torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(0)))


def test_std_is_softplus_plus_a_floor():
    features = torch.cat([torch.zeros(1, 2, 1), torch.tensor([0.0, -100.0]).reshape(1, 2, 1)], dim=1)
    std = Gaussian.from_features(features).std.flatten()
    torch.testing.assert_close(std, torch.tensor([torch.log(torch.tensor(2.0)) + 1e-4, 1e-4]))


def test_kl_is_twice_the_divergence_summed_over_channels():
    q = _posterior()
    exact = kl_divergence(Normal(q.mean, q.std), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(q.kl(), 2 * exact)


def test_kl_does_not_depend_on_length_or_batch():
    q = _posterior()
    doubled = Gaussian(q.mean.repeat(2, 1, 3), q.std.repeat(2, 1, 3))
    torch.testing.assert_close(q.kl(), doubled.kl())


def test_kl_of_the_prior_is_zero():
    assert float(Gaussian(torch.zeros(2, 3, 4), torch.ones(2, 3, 4)).kl()) == 0


def test_draws_have_the_posteriors_moments_and_follow_the_generator():
    q = Gaussian(torch.full((1, 1, 20_000), 3.0), torch.full((1, 1, 20_000), 0.5))
    x = q.sample(torch.Generator().manual_seed(1))
    assert abs(float(x.mean()) - 3) < 0.02
    assert abs(float(x.std()) - 0.5) < 0.02
    assert torch.equal(x, q.sample(torch.Generator().manual_seed(1)))


def test_the_initial_spread_is_that_of_raw_scale_zero():
    features = torch.zeros(1, 4, 3)
    for initial_std in (0.05, 0.5, math.log(2)):
        std = Gaussian.from_features(features, initial_std).std
        torch.testing.assert_close(std, torch.full_like(std, initial_std + 1e-4))
    torch.testing.assert_close(Gaussian.from_features(features).std, Gaussian.from_features(features, math.log(2)).std)
