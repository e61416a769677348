import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, POSITIONS, WIDTH, FakeTextEncoder, random_denoiser

from padstal.diffusion.conditioning import Conditioning, Timing
from padstal.diffusion.objective import denoising_loss, uniform_times


class Watching(torch.nn.Module):
    """Answers a constant and remembers what it was asked."""

    def __init__(self, answer: torch.Tensor):
        super().__init__()
        self.answer = answer

    def forward(self, x: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        self.x, self.t, self.conditioning = x, t, conditioning
        return self.answer


def test_answering_zero_costs_the_variance_of_v() -> None:
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn(64, CHANNELS, FRAMES, generator=generator)
    rows = Conditioning(torch.ones(64, POSITIONS + 2, WIDTH), torch.ones(64, 2 * WIDTH))
    silent = Watching(torch.zeros_like(x0))
    loss = denoising_loss(silent, x0, rows, dropout=0.1, generator=generator)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(1.0, abs=0.05)  # E v² = α² + σ² for unit-variance data


def test_x_t_and_v_are_of_the_same_noise_and_time() -> None:
    x0 = torch.randn(8, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))
    rows = Conditioning(torch.ones(8, POSITIONS + 2, WIDTH), torch.ones(8, 2 * WIDTH))
    watching = Watching(torch.zeros_like(x0))
    loss = denoising_loss(watching, x0, rows, dropout=0.0, generator=torch.Generator().manual_seed(5))  # type: ignore[arg-type]
    angle = watching.t[:, None, None] * torch.pi / 2
    noise = (watching.x - torch.cos(angle) * x0) / torch.sin(angle)
    assert float(loss) == pytest.approx(
        float(((torch.cos(angle) * noise - torch.sin(angle) * x0) ** 2).mean()), rel=1e-3
    )


def test_guidance_dropout_zeroes_cross_rows_after_conditioning_and_keeps_the_global_ones() -> None:
    x0 = torch.zeros(200, CHANNELS, FRAMES)
    rows = Conditioning(torch.ones(200, POSITIONS + 2, WIDTH), torch.ones(200, 2 * WIDTH))
    watching = Watching(torch.zeros_like(x0))
    denoising_loss(watching, x0, rows, dropout=0.5, generator=torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    sums = watching.conditioning.cross_BRC.flatten(1).sum(dim=1)
    assert set(sums.tolist()) == {0.0, float((POSITIONS + 2) * WIDTH)}  # the seconds rows go with the text
    assert torch.equal(watching.conditioning.global_BG, rows.global_BG)


def test_training_never_perturbs_the_conditioning() -> None:
    x0 = torch.zeros(4, CHANNELS, FRAMES)
    rows = Conditioning(torch.randn(4, POSITIONS + 2, WIDTH), torch.randn(4, 2 * WIDTH))
    watching = Watching(torch.zeros_like(x0))
    denoising_loss(watching, x0, rows, dropout=0.0, generator=torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert torch.equal(watching.conditioning.cross_BRC, rows.cross_BRC)


def test_times_are_uniform_and_evenly_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    times = uniform_times(32, generator)
    assert ((times.sort().values * 32).floor() == torch.arange(32)).all()
    assert not torch.equal(times, times.sort().values)
    many = torch.cat([uniform_times(8, generator) for _ in range(500)])
    assert float(many.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(many.var()) == pytest.approx(1 / 12, abs=0.005)


def test_every_parameter_but_the_zeroed_branches_learns() -> None:
    denoiser = random_denoiser().requires_grad_(True)
    conditioning = denoiser.condition(FakeTextEncoder().encode(["jazz", ""]), Timing.of([0.0, 3.0], [18.0, 18.0]))
    x0 = torch.randn(2, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))
    denoising_loss(denoiser, x0, conditioning, dropout=0.0, generator=torch.Generator().manual_seed(0)).backward()
    still = [name for name, weight in denoiser.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []
