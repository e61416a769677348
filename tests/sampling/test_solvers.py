"""A Gaussian's ODE has a closed form: data N(μ, s²) gives x(σ') = μ + (x − μ) √((s² + σ'²) / (s² + σ²))."""

import math
from typing import Any

import pytest
import torch

from padstal.core.protocols import Solver
from padstal.diffusion.schedule import Cosine
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.solvers import SOLVERS

MU, S = 1.5, 0.7
START = torch.tensor([-3.0, 0.1, 2.0], dtype=torch.float64)
DETERMINISTIC: list[dict[str, Any]] = [{"kind": "ddim"}, {"kind": "euler"}, {"kind": "dpm2"}, {"kind": "dpmpp_2m"}]
DETERMINISTIC += [{"kind": "dpmpp_3m_sde", "eta": 0.0}]
DETERMINISTIC += [{"kind": "dpmpp_3m_sde", "eta": 0.0, "half_curvature": True}]  # k-diffusion's
STOCHASTIC: list[dict[str, Any]] = [
    {"kind": "ddim", "eta": 1.0},
    {"kind": "ddim", "eta": 0.5},
    {"kind": "ddpm"},
    {"kind": "ddpm", "variance": "prior"},
    {"kind": "dpmpp_2m", "eta": 1.0},
    {"kind": "dpmpp_3m_sde"},
    {"kind": "euler", "churn": 20.0},
]


def named(how: dict[str, Any]) -> str:
    return "-".join(str(one) for one in how.values())


def solver(how: dict[str, Any]) -> Solver:
    return SOLVERS.parse(how)  # type: ignore[return-value]


def no_noise() -> torch.Tensor:
    raise AssertionError("a deterministic solver asked for noise")


def gaussian(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (S**2 * x + sigma**2 * MU) / (S**2 + sigma**2)


def exact(x: torch.Tensor, sigma: float, to: float) -> torch.Tensor:
    return MU + (x - MU) * math.sqrt((S**2 + to**2) / (S**2 + sigma**2))


def error(how: dict[str, Any], steps: int, start: float = 1000.0) -> float:
    """Largest error at σ = 0.1; from so far out that a multistep solver's first steps hardly matter."""
    sigmas = [start * (0.1 / start) ** (step / steps) for step in range(steps + 1)]
    found = solver(how).solve(gaussian, START * start, sigmas, no_noise)
    return float((found - exact(START * start, start, 0.1)).abs().max())


@pytest.mark.parametrize(("how", "order"), zip(DETERMINISTIC, [1, 1, 2, 2, 3, 2], strict=True))
def test_error_falls_with_the_order_of_the_solver(how: dict[str, Any], order: int) -> None:
    measured = math.log2(error(how, 320) / error(how, 640))
    assert measured == pytest.approx(order, abs=0.15)


def test_dpmpp_3m_is_exact_where_d_is_a_parabola_in_log_sigma() -> None:
    sigmas, seen = [8.0, 5.0, 3.5, 2.0, 1.5], []

    def parabola(x: torch.Tensor, sigma: float) -> torch.Tensor:
        seen.append(x)
        return torch.full_like(x, 1.0 - 0.5 * math.log(sigma) + 0.3 * math.log(sigma) ** 2)

    last = solver({"kind": "dpmpp_3m_sde", "eta": 0.0}).solve(parabola, START, sigmas, no_noise)
    for before, after, sigma, following in ((seen[2], seen[3], 3.5, 2.0), (seen[3], last, 2.0, 1.5)):
        # dx/dλ = D − x along λ = −log σ, with D = 1 + λ/2 + 0.3 λ²: x = 0.3 λ² − 0.1 λ + 1.1 + c e^(−λ)
        particular = [1.1 + 0.1 * math.log(one) + 0.3 * math.log(one) ** 2 for one in (sigma, following)]
        assert torch.allclose(after, particular[1] + (before - particular[0]) * following / sigma)


@pytest.mark.parametrize("how", [*DETERMINISTIC, *STOCHASTIC], ids=named)
def test_data_at_one_point_is_found_exactly(how: dict[str, Any]) -> None:
    def point(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return torch.full_like(x, MU)

    found = solver(how).solve(point, START * 10, exponential_sigmas(5, 0.1, 10.0), lambda: torch.ones_like(START))
    assert torch.allclose(found, torch.full_like(START, MU))


@pytest.mark.parametrize("how", [*DETERMINISTIC, *STOCHASTIC], ids=named)
def test_samples_of_a_gaussian_have_its_mean_and_spread(how: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)

    def noise() -> torch.Tensor:
        return torch.randn(20_000, generator=generator, dtype=torch.float64)

    found = solver(how).solve(gaussian, 80.0 * noise(), exponential_sigmas(150, 0.01, 80.0), noise)
    assert float(found.mean()) == pytest.approx(MU, abs=0.03)
    assert float(found.std()) == pytest.approx(S, abs=0.04)


def test_euler_is_ddim_in_the_variance_preserving_coordinates() -> None:
    sigma, following, schedule = 2.0, 0.7, Cosine()
    (alpha, s), (alpha_next, s_next) = (
        schedule.alpha_sigma(torch.tensor(schedule.time_of(level), dtype=torch.float64)) for level in (sigma, following)
    )
    x0 = gaussian(START, sigma)
    noise = (START * alpha - alpha * x0) / s
    expected = (alpha_next * x0 + s_next * noise) / alpha_next
    for kind in ("ddim", "euler"):
        assert torch.allclose(solver({"kind": kind}).solve(gaussian, START, [sigma, following], no_noise), expected)


def test_ddim_with_eta_is_the_formula_of_the_paper() -> None:
    sigma, following, eta = 2.0, 0.7, 0.6
    kept, kept_next = 1 / (1 + sigma**2), 1 / (1 + following**2)  # ᾱ of Song et al., eq. 12 and 16
    spread = eta * math.sqrt((1 - kept_next) / (1 - kept) * (1 - kept / kept_next))
    x0 = gaussian(START, sigma)
    noise = (START - x0) / sigma
    paper = math.sqrt(kept_next) * x0 + math.sqrt(1 - kept_next - spread**2) * noise + spread * 1.0
    found = solver({"kind": "ddim", "eta": eta}).solve(
        gaussian, START, [sigma, following], lambda: torch.ones_like(START)
    )
    assert torch.allclose(found * math.sqrt(kept_next), paper)


def test_ddpm_is_ddim_of_full_eta_and_the_prior_variance_is_beta() -> None:
    ones = torch.ones_like(START)
    ddim, ddpm, prior = (
        solver(how).solve(gaussian, START, [2.0, 0.7], lambda: ones)
        for how in ({"kind": "ddim", "eta": 1.0}, {"kind": "ddpm"}, {"kind": "ddpm", "variance": "prior"})
    )
    assert torch.allclose(ddim, ddpm)
    still = solver({"kind": "ddpm"}).solve(gaussian, START, [2.0, 0.7], lambda: 0 * ones)
    beta = 1 - (1 + 0.7**2) / (1 + 2.0**2)
    assert torch.allclose((prior - still) / math.sqrt(1 + 0.7**2), math.sqrt(beta) * ones)


@pytest.mark.parametrize("kind", ["dpmpp_2m", "dpmpp_3m_sde"])
def test_multistep_solvers_start_with_a_ddim_step(kind: str) -> None:
    how = {"kind": kind, **({"eta": 0.0} if kind == "dpmpp_3m_sde" else {})}
    first = solver({"kind": "ddim"}).solve(gaussian, START, [2.0, 0.7], no_noise)
    assert torch.allclose(solver(how).solve(gaussian, START, [2.0, 0.7], no_noise), first)


@pytest.mark.parametrize("how", [*DETERMINISTIC, *STOCHASTIC], ids=named)
def test_evaluations_are_one_a_step_and_two_for_dpm2(how: dict[str, Any]) -> None:
    seen: list[float] = []

    def counting(x: torch.Tensor, sigma: float) -> torch.Tensor:
        seen.append(sigma)
        return gaussian(x, sigma)

    solver(how).solve(counting, START, exponential_sigmas(6, 0.1, 10.0), lambda: torch.ones_like(START))
    assert len(seen) == (11 if how["kind"] == "dpm2" else 6)  # the last step, to 0, needs no second one
    assert min(seen) > 0


def test_noise_levels_are_a_geometric_progression_that_ends_at_zero() -> None:
    sigmas = exponential_sigmas(5, 0.01, 100.0)
    assert sigmas == pytest.approx([100.0, 10.0, 1.0, 0.1, 0.01, 0.0])
    assert exponential_sigmas(1, 0.01, 100.0) == [100.0, 0.0]
