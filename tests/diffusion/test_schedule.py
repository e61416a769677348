import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from padstal.diffusion.schedule import alpha_sigma, log_snr, sigma_edm, time_of

TIMES = st.floats(0, 0.9999)


def test_time_0_is_data_and_time_1_is_noise() -> None:
    alpha, sigma = alpha_sigma(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert torch.allclose(alpha, torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-12)
    assert torch.allclose(sigma, torch.tensor([0.0, 1.0], dtype=torch.float64), atol=1e-12)


@given(TIMES)
def test_variance_is_preserved(t: float) -> None:
    alpha, sigma = alpha_sigma(torch.tensor(t, dtype=torch.float64))
    assert float(alpha**2 + sigma**2) == pytest.approx(1)


@given(TIMES)
def test_time_and_sigma_are_inverse(t: float) -> None:
    assert time_of(sigma_edm(t)) == pytest.approx(t, abs=1e-12)


def test_log_snr_is_twice_the_log_of_alpha_over_sigma_and_falls() -> None:
    t = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    alpha, sigma = alpha_sigma(t)
    assert torch.allclose(log_snr(t), 2 * torch.log(alpha / sigma))
    assert (log_snr(t).diff() < 0).all()
    assert float(log_snr(torch.tensor(0.5))) == pytest.approx(0, abs=1e-6)


def test_sigma_308_is_time_08() -> None:
    assert time_of(3.0777) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("t", [-0.1, 1.0])
def test_a_time_without_a_sigma_is_refused(t: float) -> None:
    with pytest.raises(ValueError, match=str(t)):
        sigma_edm(t)


def test_a_negative_sigma_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        time_of(-1.0)


def test_time_of_half_is_sigma_1() -> None:
    assert sigma_edm(0.5) == pytest.approx(1.0)
    assert math.isclose(time_of(1.0), 0.5)
