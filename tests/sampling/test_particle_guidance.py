import math

import pytest
import torch
from tests.diffusion.fakes import setting, system

from padstal.core.protocols import Group
from padstal.sampling.diversity.particle_guidance import ParticleGuidance, repulsion
from padstal.sampling.generate import generate


def moved(x: torch.Tensor, sigma: float = 2.0, **values: float) -> torch.Tensor:
    method = ParticleGuidance.model_validate({"strength": 0.5, **values})
    count = range(len(x))
    return method.guide(x, torch.zeros_like(x), sigma, Group("jazz", count, count, count))


def test_two_samples_repel_along_the_line_between_them() -> None:
    x = torch.tensor([[1.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
    apart = x[0] - x[1]
    expected = 0.5 * 2.0**2 * 2 * math.log(2) * apart / apart.square().sum()
    assert torch.allclose(moved(x), torch.stack([expected, -expected]))


def test_it_is_the_gradient_of_the_potential() -> None:
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    squared = torch.cdist(x.flatten(1), x.flatten(1)).square()
    others = ~torch.eye(5, dtype=torch.bool)
    h = float(squared.detach()[others].median()) / math.log(5)
    for i in range(5):
        potential = -torch.logsumexp((-squared[i] / h)[others[i]], dim=0)
        (gradient,) = torch.autograd.grad(potential, x, retain_graph=True)
        assert torch.allclose(repulsion(x.detach())[i], gradient[i].float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "values"),
    [
        (torch.randn(1, 4), {}),
        (torch.ones(3, 4), {}),
        (torch.randn(3, 4), {"strength": 0.0}),
        (torch.randn(3, 4), {"sigma_low": 2.0}),
    ],
    ids=["alone", "all the same", "without strength", "at little noise"],
)
def test_nothing_moves_a_sample(x: torch.Tensor, values: dict[str, float]) -> None:
    assert torch.equal(moved(x, **values), torch.zeros_like(x))


def test_only_the_samples_of_a_prompt_repel_one_another() -> None:
    def sampled(prompts: list[str], strength: float) -> list[bytes]:
        how = setting({"kind": "particle_guidance", "strength": strength})
        indices = [prompts[:place].count(prompt) for place, prompt in enumerate(prompts)]
        audio = generate(system(), prompts, [1] * len(prompts), how, batch=4, precision="32-true", indices=indices)
        return [one.tobytes() for one in audio]

    plain, together = sampled(["jazz", "jazz", "rock"], 0.0), sampled(["jazz", "jazz", "rock"], 20.0)
    assert together[0] != plain[0]
    assert together[1] != plain[1]
    assert together[2] == plain[2], "alone with its prompt"
    assert together == sampled(["rock", "jazz", "jazz"], 20.0)[1:] + sampled(["rock", "jazz", "jazz"], 20.0)[:1]
