import torch
from hypothesis import given
from hypothesis import strategies as st

from padstal.diffusion.prediction import data_of, noise_of, noised, velocity
from padstal.diffusion.schedule import alpha_sigma


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    return x0, noise


@given(st.floats(0, 1))
def test_data_and_noise_come_back_from_x_t_and_v(t: float) -> None:
    x0, noise = pair()
    alpha, sigma = alpha_sigma(torch.tensor(t, dtype=torch.float64))
    x_t, v = noised(x0, noise, alpha, sigma), velocity(x0, noise, alpha, sigma)
    assert torch.allclose(data_of(x_t, v, alpha, sigma), x0)
    assert torch.allclose(noise_of(x_t, v, alpha, sigma), noise)


def test_v_is_the_derivative_of_x_t_by_the_angle() -> None:
    x0, noise = pair()
    angle = torch.tensor(0.7, dtype=torch.float64)
    step = 1e-6
    slope = (
        noised(x0, noise, torch.cos(angle + step), torch.sin(angle + step))
        - noised(x0, noise, torch.cos(angle - step), torch.sin(angle - step))
    ) / (2 * step)
    assert torch.allclose(velocity(x0, noise, torch.cos(angle), torch.sin(angle)), slope, atol=1e-8)


def test_v_is_noise_at_data_and_minus_data_at_noise() -> None:
    x0, noise = pair()
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert torch.equal(velocity(x0, noise, one, zero), noise)
    assert torch.equal(velocity(x0, noise, zero, one), -x0)
