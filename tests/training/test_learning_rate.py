import pytest

from padstal.training.learning_rate import Constant, Cosine, Inverse


def test_inverse_is_stable_audio_opens() -> None:
    rate = Inverse(warmup_steps=1000, scale_steps=200_000)
    assert rate.factor(0, 10**6) == pytest.approx(1 - 0.999)
    assert rate.factor(200_000, 10**6) == pytest.approx(2**-0.5, rel=1e-6)
    assert rate.factor(600_000, 10**6) == pytest.approx(0.5, rel=1e-6)
    assert rate.factor(80, 100, start=80) == rate.factor(80, 100)


def test_inverse_without_warm_up_begins_at_the_peak() -> None:
    assert Inverse(warmup_steps=0, scale_steps=1e6).factor(0, 10) == 1.0


def test_cosine_rises_to_one_and_falls_to_its_floor() -> None:
    rate = Cosine(warmup_steps=10, floor=0.05)
    assert rate.factor(0, 100) == pytest.approx(0.1)
    assert rate.factor(9, 100) == rate.factor(10, 100) == 1
    assert rate.factor(55, 100) == pytest.approx(0.525)
    assert rate.factor(100, 100) == pytest.approx(0.05)
    falling = [Cosine(warmup_steps=10, floor=0.0).factor(step, 110) for step in range(10, 111)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(0.0)


def test_what_joins_late_rises_from_there_and_stays() -> None:
    rate = Constant(warmup_steps=10)
    assert rate.factor(80, 100, start=80) == pytest.approx(0.1)
    assert rate.factor(89, 100, start=80) == rate.factor(99, 100, start=80) == 1.0
    assert Constant(warmup_steps=0).factor(0, 100) == 1.0
