import math
from collections.abc import Callable

import pytest
import torch
from tests.diffusion.fakes import setting, system

from padstal.core.protocols import Group
from padstal.evaluation.vendi import vendi
from padstal.sampling.diversity.particle_guidance import ParticleGuidance
from padstal.sampling.diversity.repulsion import Repulsion
from padstal.sampling.diversity.sparke import Sparke
from padstal.sampling.diversity.vendi_guidance import VendiGuidance
from padstal.sampling.generate import generate

KINDS = [ParticleGuidance, Sparke, VendiGuidance]
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def moved(kind: type[Repulsion], x: torch.Tensor, sigma: float = 2.0, **values: float) -> torch.Tensor:
    method = kind.model_validate({"strength": 0.5, **values})
    count = range(len(x))
    return method.guide(x, torch.zeros_like(x), sigma, Group("jazz", count, count, count))


def particles(k: torch.Tensor, i: int) -> torch.Tensor:
    return -(k[i].sum() - k[i, i]).log()


def renyi(k: torch.Tensor, i: int) -> torch.Tensor:
    return (k.trace().square() / k.square().sum()).log()


def von_neumann(k: torch.Tensor, i: int) -> torch.Tensor:
    eigenvalues = torch.linalg.eigvalsh(k / len(k))
    return -(eigenvalues * eigenvalues.log()).sum()


def test_two_samples_repel_along_the_line_between_them() -> None:
    x = torch.tensor([[1.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
    apart = x[0] - x[1]
    expected = 0.5 * 2.0**2 * 2 * math.log(2) * apart / apart.square().sum()
    assert torch.allclose(moved(ParticleGuidance, x), torch.stack([expected, -expected]))
    for kind in (Sparke, VendiGuidance):
        first, second = moved(kind, x)
        assert torch.allclose(first, -second)
        assert torch.allclose(first / first.norm(), apart / apart.norm())


@pytest.mark.parametrize(
    ("kind", "potential"),
    [(ParticleGuidance, particles), (Sparke, renyi), (VendiGuidance, von_neumann)],
    ids=["particles", "SPARKE", "Vendi"],
)
def test_it_is_the_gradient_of_the_potential(
    kind: type[Repulsion], potential: Callable[[torch.Tensor, int], torch.Tensor]
) -> None:
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    difference = x.flatten(1).unsqueeze(1) - x.flatten(1)
    squared = difference.square().sum(-1)
    h = float(squared.detach()[~torch.eye(5, dtype=torch.bool)].median()) / math.log(5)
    kernel = (-squared / h).exp()
    found = kind.model_validate({"strength": 1.0}).gradient(x.detach())
    for i in range(5):
        (gradient,) = torch.autograd.grad(potential(kernel, i), x, retain_graph=True)
        assert torch.allclose(found[i], gradient[i].float(), rtol=1e-4, atol=1e-6)


@each
def test_steps_along_it_raise_the_vendi_score(kind: type[Repulsion]) -> None:
    """Two heaps of unit vectors, which the repulsion takes apart."""
    drawn = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    x = torch.nn.functional.normalize(torch.eye(8)[[0, 0, 0, 1, 1, 1]] + 0.1 * drawn, dim=1)
    before = vendi(x.numpy())
    for _ in range(20):
        x = torch.nn.functional.normalize(x + 0.01 * kind.model_validate({"strength": 1.0}).gradient(x), dim=1)
    assert vendi(x.numpy()) > before + 0.1


@each
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
def test_nothing_moves_a_sample(kind: type[Repulsion], x: torch.Tensor, values: dict[str, float]) -> None:
    assert torch.equal(moved(kind, x, **values), torch.zeros_like(x))


@each
def test_a_sample_far_from_all_others_is_no_fault(kind: type[Repulsion]) -> None:
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [1e4]])
    assert moved(kind, x).isfinite().all()


@each
def test_only_the_samples_of_a_prompt_repel_one_another(kind: type[Repulsion]) -> None:
    def sampled(prompts: list[str], strength: float) -> list[bytes]:
        how = setting({"kind": kind.model_fields["kind"].default, "strength": strength})
        indices = [prompts[:place].count(prompt) for place, prompt in enumerate(prompts)]
        audio = generate(system(), prompts, [1] * len(prompts), how, batch=4, precision="32-true", indices=indices)
        return [one.tobytes() for one in audio]

    plain, together = sampled(["jazz", "jazz", "rock"], 0.0), sampled(["jazz", "jazz", "rock"], 20.0)
    assert together[0] != plain[0]
    assert together[1] != plain[1]
    assert together[2] == plain[2], "alone with its prompt"
    assert together == sampled(["rock", "jazz", "jazz"], 20.0)[1:] + sampled(["rock", "jazz", "jazz"], 20.0)[:1]
