import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from padstal.diffusion.schedule import Betas, Cosine, Flow

TIMES = st.floats(0, 0.9999)
NICHOL = Cosine(offset=0.008)
BOTH = pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=lambda one: one.kind)
ALL = pytest.mark.parametrize("schedule", [Cosine(), NICHOL, Flow()], ids=["cosine", "with an offset", "flow"])


@ALL
def test_time_0_is_data_and_time_1_is_noise(schedule: Cosine | Flow) -> None:
    alpha, sigma = schedule.alpha_sigma(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert torch.allclose(alpha, torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-12)
    assert torch.allclose(sigma, torch.tensor([0.0, 1.0], dtype=torch.float64), atol=1e-12)


@given(TIMES)
def test_cosine_preserves_variance_and_flow_goes_straight(t: float) -> None:
    for schedule in (Cosine(), NICHOL):
        alpha, sigma = schedule.alpha_sigma(torch.tensor(t, dtype=torch.float64))
        assert float(alpha**2 + sigma**2) == pytest.approx(1)
    alpha, sigma = Flow().alpha_sigma(torch.tensor(t, dtype=torch.float64))
    assert float(alpha + sigma) == pytest.approx(1)


@ALL
@given(t=TIMES)
def test_a_time_is_had_back_from_the_ratio_of_noise_and_data(schedule: Cosine | Flow, t: float) -> None:
    alpha, sigma = schedule.alpha_sigma(torch.tensor(t, dtype=torch.float64))
    assert schedule.time_of(float(sigma / alpha)) == pytest.approx(t, abs=1e-9)


def test_the_cosine_with_an_offset_is_that_of_diffusers() -> None:
    from diffusers import DDPMScheduler

    reference = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2").alphas_cumprod[:-1]  # the last is capped
    alpha, _ = NICHOL.alpha_sigma(torch.arange(1, 1000, dtype=torch.float64) / 1000)
    assert torch.allclose((alpha**2).float(), reference, rtol=1e-3, atol=1e-6)


def test_sigma_308_is_time_08() -> None:
    assert Cosine().time_of(3.0777) == pytest.approx(0.8, abs=1e-4)


@BOTH
def test_a_negative_sigma_is_refused(schedule: Cosine | Flow) -> None:
    with pytest.raises(ValueError, match="negative"):
        schedule.time_of(-1.0)


@BOTH
def test_time_of_half_is_sigma_1(schedule: Cosine | Flow) -> None:
    assert math.isclose(schedule.time_of(1.0), 0.5)


BETAS = Betas(first=0.0015, last=0.0195)


def test_betas_are_the_products_of_the_discrete_schedule_at_its_steps() -> None:
    betas = torch.linspace(0.0015**0.5, 0.0195**0.5, 1000, dtype=torch.float64) ** 2
    alpha, sigma = BETAS.alpha_sigma(torch.arange(1, 1001, dtype=torch.float64) / 1000)
    torch.testing.assert_close(alpha**2, (1 - betas).cumprod(0))
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones_like(alpha))


@given(st.floats(0, 0.9999))
def test_a_time_of_betas_is_had_back_from_the_ratio_of_noise_and_data(t: float) -> None:
    alpha, sigma = BETAS.alpha_sigma(torch.tensor(t, dtype=torch.float64))
    assert BETAS.time_of(float(sigma / alpha)) == pytest.approx(t, abs=1e-6)


def test_betas_refuse_a_noise_that_the_schedule_does_not_reach() -> None:
    assert BETAS.time_of(BETAS.largest) == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"sigma = 100: this schedule ends at "):
        BETAS.time_of(100)
