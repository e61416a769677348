"""Which parts of a network are compiled, and gathered, one by one."""

from collections import Counter

from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from padstal.nn.oobleck import OobleckDecoder
from padstal.training.sharding import blocks


def test_units_of_ours_are_parts_wherever_they_stand() -> None:
    decoder = OobleckDecoder(1, 4, width=4, multiples=[1, 2], strides=[2, 3])
    assert Counter(type(part).__name__ for part in blocks(decoder)) == {"ResidualUnit": 6}


def test_of_other_networks_parts_are_the_innermost_that_a_list_holds() -> None:
    inner = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    network = nn.Sequential(nn.Linear(2, 2), nn.ModuleList([nn.Sequential(inner), nn.Linear(2, 2)]))
    assert blocks(network) == [*inner, network[1][1]]


def test_a_weight_norm_is_no_part() -> None:
    assert blocks(weight_norm(nn.Conv1d(1, 1, 1))) == []
