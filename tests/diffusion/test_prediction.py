import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.protocols import Prediction
from padstal.diffusion.prediction import PREDICTIONS, V, noised
from padstal.diffusion.schedule import SCHEDULES


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    return x0, noise


@pytest.mark.parametrize(("prediction", "schedule"), [(p, s) for p in PREDICTIONS.names for s in SCHEDULES.names])
@given(t=st.floats(0.01, 0.99))
def test_data_come_back_from_x_t_and_the_target(prediction: str, schedule: str, t: float) -> None:
    if (prediction, schedule) == ("v", "flow"):
        return  # v's way back is a rotation, which needs α² + σ² = 1
    made: Prediction = PREDICTIONS.parse({"kind": prediction})  # type: ignore[assignment]
    x0, noise = pair()
    alpha, sigma = SCHEDULES.parse({"kind": schedule}).alpha_sigma(torch.tensor(t, dtype=torch.float64))  # type: ignore[attr-defined]
    x_t, target = noised(x0, noise, alpha, sigma), made.target(x0, noise, alpha, sigma)
    assert torch.allclose(made.data_of(x_t, target, alpha, sigma), x0)


def test_v_is_the_derivative_of_x_t_by_the_angle() -> None:
    x0, noise = pair()
    angle = torch.tensor(0.7, dtype=torch.float64)
    step = 1e-6
    slope = (
        noised(x0, noise, torch.cos(angle + step), torch.sin(angle + step))
        - noised(x0, noise, torch.cos(angle - step), torch.sin(angle - step))
    ) / (2 * step)
    assert torch.allclose(V().target(x0, noise, torch.cos(angle), torch.sin(angle)), slope, atol=1e-8)


def test_v_is_noise_at_data_and_minus_data_at_noise() -> None:
    x0, noise = pair()
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert torch.equal(V().target(x0, noise, one, zero), noise)
    assert torch.equal(V().target(x0, noise, zero, one), -x0)
