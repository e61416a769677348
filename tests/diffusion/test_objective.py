import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, POSITIONS, WIDTH, FakeTextEncoder, random_denoiser

from padstal.core.protocols import Conditioning, Hidden
from padstal.diffusion.conditioning import TimingConditioner
from padstal.diffusion.objective import Masked, MeanAbsoluteError, denoising_loss, uniform_times
from padstal.diffusion.prediction import V
from padstal.diffusion.schedule import Cosine


class Watching(torch.nn.Module):
    """Answers a constant and remembers what it was asked."""

    schedule, prediction = Cosine(), V()

    def __init__(self, answer: torch.Tensor):
        super().__init__()
        self.answer = answer
        self.conditioner = TimingConditioner(WIDTH)

    def null(self, conditioning: Conditioning) -> Conditioning:
        return self.conditioner.null(conditioning)

    def embed(self, conditioning: Conditioning) -> Conditioning:
        return conditioning

    def forward(self, x: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        self.x, self.t, self.conditioning = x, t, conditioning
        return self.answer


def told(count: int, random: bool = False) -> Conditioning:
    make = torch.randn if random else torch.ones
    mask = torch.ones(count, POSITIONS, dtype=torch.bool)
    others = {"seconds": make(count, 2, WIDTH), "global": make(count, 2 * WIDTH)}
    return Conditioning(make(count, POSITIONS, WIDTH), mask, others)


def loss_of(asked: Watching, x0: torch.Tensor, rows: Conditioning, *, dropout: float, seed: int = 0, **more: object):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    return denoising_loss(asked, x0, rows, dropout=dropout, generator=generator, **more)  # type: ignore[arg-type]


def test_answering_zero_costs_the_variance_of_v() -> None:
    x0 = torch.randn(64, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(1))
    loss = loss_of(Watching(torch.zeros_like(x0)), x0, told(64), dropout=0.1)
    assert loss.item() == pytest.approx(1.0, abs=0.05)  # E v² = α² + σ² for unit-variance data


def test_the_mean_absolute_error_of_a_normal_is_root_two_over_pi() -> None:
    x0 = torch.randn(64, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(1))
    loss = loss_of(Watching(torch.zeros_like(x0)), x0, told(64), dropout=0.1, objective=MeanAbsoluteError())
    assert loss.item() == pytest.approx((2 / torch.pi) ** 0.5, abs=0.04)


def test_x_t_and_v_are_of_the_same_noise_and_time() -> None:
    x0 = torch.randn(8, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))
    watching = Watching(torch.zeros_like(x0))
    loss = loss_of(watching, x0, told(8), dropout=0.0, seed=5)
    angle = watching.t[:, None, None] * torch.pi / 2
    noise = (watching.x - torch.cos(angle) * x0) / torch.sin(angle)
    assert float(loss) == pytest.approx(
        float(((torch.cos(angle) * noise - torch.sin(angle) * x0) ** 2).mean()), rel=1e-3
    )


def test_guidance_dropout_tells_whole_samples_nothing_at_its_rate_and_keeps_the_global_conditioning() -> None:
    x0, rows = torch.zeros(2000, CHANNELS, FRAMES), told(2000)
    watching = Watching(torch.zeros_like(x0))
    loss_of(watching, x0, rows, dropout=0.2)
    seen = watching.conditioning
    sums = seen.text_BLC.flatten(1).sum(dim=1) + seen.others["seconds"].flatten(1).sum(dim=1)
    assert set(sums.tolist()) == {0.0, float((POSITIONS + 2) * WIDTH)}  # the seconds rows go with the text
    assert float((sums == 0).float().mean()) == pytest.approx(0.2, abs=0.03)
    assert torch.equal(seen.others["global"], rows.others["global"])


def test_training_never_perturbs_the_conditioning() -> None:
    x0, rows = torch.zeros(4, CHANNELS, FRAMES), told(4, random=True)
    watching = Watching(torch.zeros_like(x0))
    loss_of(watching, x0, rows, dropout=0.0)
    assert torch.equal(watching.conditioning.text_BLC, rows.text_BLC)


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
    timing = {"seconds_start": torch.tensor([0.0, 3.0]), "seconds_total": torch.tensor([18.0, 18.0])}
    conditioning = denoiser.condition(FakeTextEncoder().encode(["jazz", ""]), timing)
    x0 = torch.randn(2, CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))
    denoising_loss(denoiser, x0, conditioning, dropout=0.0, generator=torch.Generator().manual_seed(0)).backward()
    still = [name for name, weight in denoiser.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def drawn(seed: int = 0):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.rand(shape, generator=generator)


def test_each_sample_hides_its_own_share_of_patches_rounded_down() -> None:
    seen: list[Hidden] = []

    def network(hide=None):  # type: ignore[no-untyped-def]
        if hide is not None:
            seen.append(hide(101))
        return torch.zeros(500, 2, 3)

    target = torch.ones(500, 2, 3)
    Masked(low=0.3, high=0.5, full_weight=1.0, min_snr=None)(network, target, torch.ones(500), drawn())
    assert (seen[0].fewest, seen[0].most) == (30, 50)
    counts = seen[0].mask_BP.sum(1)
    assert 30 <= int(counts.min()) < 35
    assert 46 < int(counts.max()) <= 50
    assert len(set(counts.tolist())) > 15
    assert len({tuple(row.tolist()) for row in seen[0].mask_BP}) == 500
    always = Masked(low=0.5, high=0.5, full_weight=0.0, min_snr=None)
    always(network, target, torch.ones(500), drawn())
    assert set(seen[1].mask_BP.sum(1).tolist()) == {50}


def test_both_passes_are_summed_and_the_released_code_makes_the_hidden_one_alone() -> None:
    def network(hide=None):  # type: ignore[no-untyped-def]
        return torch.full((4, 2, 3), 1.0 if hide is None else 2.0)

    target, snr = torch.zeros(4, 2, 3), torch.ones(4)
    both = Masked(low=0.3, high=0.5, full_weight=1.0, min_snr=None)(network, target, snr, drawn())
    alone = Masked(low=0.3, high=0.5, full_weight=0.0, min_snr=None)(network, target, snr, drawn())
    assert (float(both), float(alone)) == (5.0, 4.0)


def test_outside_of_training_nothing_is_hidden_so_that_losses_of_all_objectives_compare() -> None:
    """`Watching` cannot hide anything, and says so where it is asked to."""
    x0, rows = torch.randn(8, CHANNELS, FRAMES), told(8)
    masked = Masked(low=0.3, high=0.5, full_weight=1.0, min_snr=None)
    asked = Watching(torch.zeros_like(x0))
    validation = loss_of(asked, x0, rows, dropout=0.0, objective=masked, training=False)
    assert validation == loss_of(asked, x0, rows, dropout=0.0)
    with pytest.raises(TypeError, match="hide"):
        loss_of(asked, x0, rows, dropout=0.0, objective=masked)


def test_with_nothing_to_hide_there_is_one_pass_as_of_an_unmasked_transformer() -> None:
    passes = []

    def network(hide=None):  # type: ignore[no-untyped-def]
        passes.append(hide)
        return torch.full((4, 2, 3), 2.0)

    loss = Masked(low=0.0, high=0.0, full_weight=1.0, min_snr=None)(
        network, torch.zeros(4, 2, 3), torch.ones(4), drawn()
    )
    assert (float(loss), passes) == (4.0, [None])


def test_the_weight_of_epsilon_falls_with_the_snr_above_gamma() -> None:
    target = torch.zeros(2, 1, 1)
    loss = Masked(low=0.0, high=0.0, full_weight=0.0, min_snr=5.0)(
        lambda hide=None: torch.ones(2, 1, 1), target, torch.tensor([20.0, 2.0]), drawn()
    )
    assert float(loss) == pytest.approx((5 / 20 + 1) / 2)
