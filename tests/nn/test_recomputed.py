"""Units that are computed twice give what they give when computed once, to the bit."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from padstal.core.protocols import Conditioning
from padstal.nn.dit import DiT
from padstal.nn.mdt import Mdt
from padstal.nn.oobleck import OobleckDecoder, OobleckEncoder
from padstal.nn.recomputed import recompute_units
from padstal.nn.unet1d import UNet1d

B, L, C = 2, 5, 16
OOBLECK = {"width": 4, "multiples": (1, 2), "strides": (2, 2)}


def told(**others: torch.Tensor) -> Conditioning:
    return Conditioning(torch.randn(B, L, C), (torch.arange(L) < 3).expand(B, L), others)


def dit() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    sizes = {"width": 32, "depth": 2, "heads": 2, "cross_heads": 1, "feed_forward": 2}
    made = DiT(latent_channels=4, cond_width=C, global_width=2 * C, **sizes)
    x, t, own = (
        torch.randn(B, 4, 8),
        torch.rand(B),
        told(seconds=torch.randn(B, 2, C), **{"global": torch.randn(B, 2 * C)}),
    )
    return made, lambda network: network(x, t, network.embed(own))


def mdt() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    made = Mdt(
        latent_shape=(2, 8, 4), patch=(2, 2), overlap=(0, 0), width=32, heads=2, encoder_blocks=2, decoder_blocks=1,
        feed_forward=2, cond_width=C, quality=False, positions="rope2d", padding="masked",
    )  # fmt: skip
    x, t, own = torch.randn(B, 2, 8, 4), torch.rand(B), told()
    return made, lambda network: network(x, t, network.embed(own))


def unet1d() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    made = UNet1d(
        latent_channels=4, lower_channels=0, width=8, multiples=(1, 2), blocks=2, attentions=1, groups=2, heads=2,
        linear_features=4, cross_features=4, cond_width=C, padding="masked",
    )  # fmt: skip
    x, t, own = torch.randn(B, 4, 8), torch.rand(B), told()
    return made, lambda network: network(x, t, network.embed(own))


def unet2d() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    from padstal.nn.unet2d import UNet2d

    made = UNet2d(
        latent_channels=2, width=8, multiples=(1, 2), blocks=1, groups=2, head_features=4, cond_width=C, quality=False,
        padding="masked",
    )  # fmt: skip
    x, t, own = torch.randn(B, 2, 8, 4), torch.rand(B), told()
    return made, lambda network: network(x, t, network.embed(own))


def oobleck() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    made = nn.Sequential(OobleckEncoder(1, 3, **OOBLECK), OobleckDecoder(1, 3, **OOBLECK))
    x = torch.randn(B, 1, 64)
    return made, lambda network: network(x)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    "network",
    [dit, mdt, unet1d, oobleck, pytest.param(unet2d, marks=pytest.mark.slow)],  # imports diffusers
)
def test_losses_and_gradients_are_the_same_to_the_bit_and_less_is_kept(
    network: Callable[[], tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]], half: bool
) -> None:
    torch.manual_seed(0)
    made, run = network()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    again = copy.deepcopy(made)
    recompute_units(again)
    results, kept = [], []
    for one in (made, again):
        saved: set[int] = set()
        with (
            torch.autograd.graph.saved_tensors_hooks(lambda x, saved=saved: saved.add(x.data_ptr()) or x, lambda x: x),
            torch.autocast("cpu", torch.bfloat16, enabled=half),
        ):
            loss = run(one).square().mean()
        kept.append(len(saved))
        loss.backward()
        results.append([loss.detach(), *(weight.grad for weight in one.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True) if a is not None)
    assert [a is None for a in results[0]] == [b is None for b in results[1]]
    assert kept[1] < kept[0]


def test_nothing_is_kept_without_gradients() -> None:
    made, run = oobleck()
    before = run(made)
    recompute_units(made)
    with torch.no_grad():
        assert torch.equal(run(made), before)
