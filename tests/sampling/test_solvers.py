"""A Gaussian's ODE has a closed form: data N(μ, s²) gives x(σ') = μ + (x − μ) √((s² + σ'²) / (s² + σ²))."""

import math

import pytest
import torch

from padstal.diffusion.schedule import alpha_sigma, time_of
from padstal.sampling.solvers import SOLVERS, ddim, dpmpp_2m, exponential_sigmas

MU, S = 1.5, 0.7
START = torch.tensor([-3.0, 0.1, 2.0], dtype=torch.float64)


def gaussian(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (S**2 * x + sigma**2 * MU) / (S**2 + sigma**2)


def exact(x: torch.Tensor, sigma: float, to: float) -> torch.Tensor:
    return MU + (x - MU) * math.sqrt((S**2 + to**2) / (S**2 + sigma**2))


def error(solver: str, steps: int) -> float:
    sigmas = [10.0 * (0.1 / 10.0) ** (step / steps) for step in range(steps + 1)]
    found = SOLVERS[solver](gaussian, START * 10, sigmas)  # type: ignore[index]
    return float((found - exact(START * 10, 10.0, 0.1)).abs().max())


@pytest.mark.parametrize(("solver", "order"), [("ddim", 1), ("dpm2", 2), ("dpmpp_2m", 2)])
def test_error_falls_with_the_order_of_the_solver(solver: str, order: int) -> None:
    measured = math.log2(error(solver, 80) / error(solver, 160))
    assert measured == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("solver", SOLVERS)
def test_data_at_one_point_is_found_exactly(solver: str) -> None:
    found = SOLVERS[solver](lambda x, sigma: torch.full_like(x, MU), START * 10, exponential_sigmas(5, 0.1, 10.0))  # type: ignore[index]
    assert torch.allclose(found, torch.full_like(START, MU))


@pytest.mark.parametrize("solver", SOLVERS)
def test_samples_of_a_gaussian_have_its_mean_and_spread(solver: str) -> None:
    noise = torch.randn(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = SOLVERS[solver](gaussian, 80.0 * noise, exponential_sigmas(60, 0.01, 80.0))  # type: ignore[index]
    assert float(found.mean()) == pytest.approx(MU, abs=0.03)
    assert float(found.std()) == pytest.approx(S, abs=0.04)


def test_euler_is_ddim_in_the_variance_preserving_coordinates() -> None:
    sigma, following = 2.0, 0.7
    (alpha, s), (alpha_next, s_next) = (
        alpha_sigma(torch.tensor(time_of(level), dtype=torch.float64)) for level in (sigma, following)
    )
    x0 = gaussian(START, sigma)
    noise = (START * alpha - alpha * x0) / s
    expected = (alpha_next * x0 + s_next * noise) / alpha_next
    assert torch.allclose(ddim(gaussian, START, [sigma, following]), expected)


def test_dpmpp_2m_starts_with_a_ddim_step() -> None:
    assert torch.allclose(dpmpp_2m(gaussian, START, [2.0, 0.7]), ddim(gaussian, START, [2.0, 0.7]))


@pytest.mark.parametrize(("solver", "evaluations"), [("ddim", 6), ("dpm2", 11), ("dpmpp_2m", 6)])
def test_evaluations_are_one_a_step_and_two_for_dpm2(solver: str, evaluations: int) -> None:
    seen: list[float] = []

    def counting(x: torch.Tensor, sigma: float) -> torch.Tensor:
        seen.append(sigma)
        return gaussian(x, sigma)

    SOLVERS[solver](counting, START, exponential_sigmas(6, 0.1, 10.0))  # type: ignore[index]
    assert len(seen) == evaluations  # the last step, to 0, needs no second one
    assert min(seen) > 0


def test_noise_levels_are_a_geometric_progression_that_ends_at_zero() -> None:
    sigmas = exponential_sigmas(5, 0.01, 100.0)
    assert sigmas == pytest.approx([100.0, 10.0, 1.0, 0.1, 0.01, 0.0])
    assert exponential_sigmas(1, 0.01, 100.0) == [100.0, 0.0]


@pytest.mark.parametrize(("steps", "low", "high"), [(0, 0.1, 1.0), (5, 0.0, 1.0), (5, 2.0, 1.0)])
def test_impossible_noise_levels_are_refused(steps: int, low: float, high: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        exponential_sigmas(steps, low, high)
