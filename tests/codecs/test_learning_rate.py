import pytest

from padstal.codecs.learning_rate import LearningRate


def test_inverse_is_stable_audio_opens():
    rate = LearningRate("inverse", warmup_steps=1000, inverse_scale_steps=200_000)
    assert rate.factor(0, 10**6) == pytest.approx(1 - 0.999)
    assert rate.factor(200_000, 10**6) == pytest.approx(2**-0.5, rel=1e-6)
    assert rate.factor(600_000, 10**6) == pytest.approx(0.5, rel=1e-6)


def test_cosine_rises_to_one_and_falls_to_a_twentieth():
    rate = LearningRate("cosine", warmup_steps=10, inverse_scale_steps=1)
    assert rate.factor(0, 100) == pytest.approx(0.1)
    assert rate.factor(9, 100) == rate.factor(10, 100) == 1
    assert rate.factor(55, 100) == pytest.approx(0.525)
    assert rate.factor(100, 100) == pytest.approx(0.05)


def test_what_joins_late_rises_from_there_and_does_not_fall_with_the_cosine():
    rate = LearningRate("cosine", warmup_steps=10, inverse_scale_steps=1)
    assert rate.factor_of_late(80, 100, 80) == pytest.approx(0.1)
    assert rate.factor_of_late(89, 100, 80) == rate.factor_of_late(99, 100, 80) == 1.0
    inverse = LearningRate("inverse", warmup_steps=10, inverse_scale_steps=100)
    assert inverse.factor_of_late(80, 100, 80) == inverse.factor(80, 100)
