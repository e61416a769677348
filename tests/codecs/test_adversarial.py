import pytest
import torch

from padstal.codecs.adversarial import discriminator_loss, feature_matching, generator_loss
from padstal.nn.discriminators import Verdict


def _verdicts(logit, features=()):
    return [Verdict(torch.full((2, 1, 3), logit), list(features))]


@pytest.mark.parametrize(
    ("real", "fake", "hinge", "lsgan"),
    [(1.0, -1.0, 0.0, 1.0), (0.0, 0.0, 2.0, 1.0), (2.0, 0.5, 1.5, 1.25), (1.0, 0.0, 1.0, 0.0)],
)
def test_discriminator_losses_are_the_closed_forms(real, fake, hinge, lsgan):
    assert float(discriminator_loss(_verdicts(real), _verdicts(fake), "hinge")) == pytest.approx(hinge)
    assert float(discriminator_loss(_verdicts(real), _verdicts(fake), "lsgan")) == pytest.approx(lsgan)


def test_generator_losses_are_the_closed_forms():
    assert float(generator_loss(_verdicts(0.25), "hinge")) == pytest.approx(-0.25)
    assert float(generator_loss(_verdicts(0.25), "lsgan")) == pytest.approx(0.5625)


def test_several_discriminators_are_averaged():
    assert float(generator_loss(_verdicts(1.0) + _verdicts(3.0), "hinge")) == pytest.approx(-2.0)


def test_feature_matching_is_relative_to_the_real_features():
    real = torch.randn(2, 4, 5)
    for scale in (1.0, 100.0):
        loss = feature_matching(_verdicts(0.0, [scale * real]), _verdicts(0.0, [1.5 * scale * real]), "normalised")
        assert float(loss) == pytest.approx(0.5)


def test_plain_feature_matching_is_the_mean_absolute_difference_whatever_the_features_size():
    first, second = torch.full((2, 3), 4.0), torch.full((2, 5, 5), -1.0)
    loss = feature_matching(_verdicts(0.0, [first, second]), _verdicts(0.0, [first + 3, second - 1]), "plain")
    assert float(loss) == pytest.approx((3 + 1) / 2)


def test_no_gradient_reaches_the_real_features():
    real, fake = (torch.randn(2, 3, requires_grad=True) for _ in range(2))
    feature_matching(_verdicts(0.0, [real]), _verdicts(0.0, [fake]), "plain").backward()
    assert real.grad is None
    assert fake.grad is not None
