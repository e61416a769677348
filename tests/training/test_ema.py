import pytest
import torch
from torch import nn

from padstal.training.ema import Ema


def test_the_average_follows_its_recursion() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    ema = Ema(layer, 0.9)
    expected, values = 0.0, [1.0, 3.0, -2.0, 5.0]
    for done, value in enumerate(values):
        nn.init.constant_(layer.weight, value)
        ema.update(layer)
        decay = min(0.9, (1 + done) / (10 + done))
        expected = decay * expected + (1 - decay) * value
    assert float(ema.average.weight) == pytest.approx(expected)


def test_decay_grows_to_its_limit() -> None:
    layer = nn.Linear(1, 1, bias=False)
    ema = Ema(layer, 0.5)
    ema.updates.fill_(1000)
    before = float(ema.average.weight)
    nn.init.constant_(layer.weight, before + 1)
    ema.update(layer)
    assert float(ema.average.weight) == pytest.approx(before + 0.5)


def test_the_average_takes_no_gradient_and_leaves_the_module_alone() -> None:
    layer = nn.Linear(2, 2)
    weight = layer.weight.detach().clone()
    ema = Ema(layer, 0.9)
    ema.update(layer)
    assert not any(parameter.requires_grad for parameter in ema.average.parameters())
    assert torch.equal(layer.weight, weight)
    assert not ema.average.training


def test_a_decay_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="decay = 1"):
        Ema(nn.Linear(1, 1), 1.0)
