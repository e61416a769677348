"""The training loop: equal bytes from equal seeds, every row once an epoch, a schedule in closed form."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from padstal.demo.config import Fit
from padstal.demo.fit import _batches, fit, rate, seeded


def line(seed: int) -> tuple[nn.Module, list[float]]:
    """A line fitted to y = 2x − 1."""
    x = torch.linspace(-1, 1, 32)[:, None]
    y = 2 * x - 1
    with seeded(seed):
        model = nn.Linear(1, 1)
        losses = fit(
            model,
            lambda rows, generator: (model(x[rows]).float() - y[rows]).square().mean(),
            32,
            Fit(steps=150, batch=16, learning_rate=0.1, seed=seed),
        )
    return model, losses


@pytest.mark.slow
def test_a_line_is_found_and_the_model_is_left_in_eval_mode():
    model, losses = line(1)
    assert model.weight.item() == pytest.approx(2, abs=0.05)
    assert model.bias.item() == pytest.approx(-1, abs=0.05)
    assert losses[-1] < 0.01 * losses[0]
    assert not model.training


@pytest.mark.slow
def test_equal_seeds_give_equal_weights_whatever_the_global_generator_was():
    first = line(3)[0].weight
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    second = line(3)[0].weight
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not torch.equal(first, line(4)[0].weight)


def test_every_row_comes_once_an_epoch_though_batches_do_not_divide_it():
    batches = _batches(10, 4, torch.Generator().manual_seed(0))
    rows = torch.cat([next(batches) for _ in range(5)])
    assert rows[:10].sort().values.tolist() == list(range(10))
    assert rows[10:].sort().values.tolist() == list(range(10))


def test_the_rate_rises_to_its_top_and_falls_to_zero():
    rates = [rate(Fit(steps=100, batch=2, learning_rate=1.0, seed=0), step) for step in range(100)]
    assert rates[:8] == pytest.approx([(step + 1) / 8 for step in range(8)])
    assert rates[8] == 1.0
    assert rates[54] == pytest.approx(0.5)
    assert all(later <= earlier for earlier, later in pairwise(rates[8:]))
    assert rates[-1] < 1e-3


def test_a_loss_that_is_not_finite_stops_training():
    model = nn.Linear(1, 1)
    with pytest.raises(FloatingPointError, match="step 0"):
        fit(
            model,
            lambda rows, generator: model(torch.full((1, 1), float("inf"))).sum(),
            4,
            Fit(steps=3, batch=2, learning_rate=0.1, seed=0),
        )
