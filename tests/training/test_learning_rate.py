import pytest

from padstal.training.learning_rate import cosine, inverse


def test_inverse_falls_to_one_over_root_two_after_its_scale() -> None:
    assert inverse(1_000_000, scale_steps=1e6, warmup_decay=0.0) == pytest.approx(2**-0.5)


def test_inverse_warms_up_from_near_zero() -> None:
    rates = [inverse(step, scale_steps=1e6, warmup_decay=0.99) for step in (0, 100, 1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates == sorted(rates)


def test_cosine_rises_to_one_and_ends_at_zero() -> None:
    rates = [cosine(step, warmup_steps=10, total_steps=110) for step in range(111)]
    assert rates[9] == 1.0
    assert rates[60] == pytest.approx(0.5)
    assert rates[110] == pytest.approx(0.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
