"""A training step is compared with exactly the products that it has, and hidden patches save what they should."""

from typing import Any

import pytest
import torch
import yaml
from tests.contracts.repository import ROOT
from torch.utils.flop_counter import FlopCounterMode

from padstal.commands.bench_train import Options, _Products, _steps, measure, sizes
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.objective import Masked, MeanSquaredError

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
OPTIONS = {
    "dit": Options((3, 8), text=(4, 8), batch=2, repeats=1),
    "mdt": Options((3, 12, 8), text=(4, 8), batch=2, repeats=1, mask=0.5),
    "unet1d": Options((5, 8), first=2, text=(4, 8), batch=2, repeats=1),
}
SMALL: dict[str, Any] = {
    "dit": ("tal_dit", {"width": 16, "depth": 1, "heads": 2, "cross_heads": 1}),
    "mdt": ("qa_mdt", {"width": 16, "heads": 2, "encoder_blocks": 2, "decoder_blocks": 1}),
    "unet1d": ("discodiff_secondary", {"width": 8, "blocks": 2}),
}


def params(kind: str, **changes: Any) -> DenoiserParams:
    """Of the demo, with a small backbone."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    name, small = SMALL[kind]
    own = tree["scales"]["demo"]["train_diffusion"][name]
    backbone = {**own["form"]["backbone"], **small, **changes}
    return DenoiserParams.model_validate({**own, "form": {**own["form"], "backbone": backbone}})


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_backbone_is_measured(kind: str) -> None:
    figures, rate = measure(params(kind), OPTIONS[kind], CPU)
    assert len(figures) == (3 if kind == "mdt" else 2)
    assert figures[-1].name == "waiting for the batch / step"
    assert all(one.value > 0 and one.of_processor_time > 0 for one in figures)
    assert rate > 0


@pytest.mark.parametrize("kind", ["dit", "mdt"])
def test_the_products_alone_have_the_operations_of_the_step(kind: str) -> None:
    step = _steps(params(kind), OPTIONS[kind], CPU)
    counts = []
    for work in (step, _Products(step)):
        with FlopCounterMode(display=False) as counted:
            work()
        counts.append(counted.get_total_flops())
    assert counts[1] == pytest.approx(counts[0], rel=0.02)


def test_at_the_published_depths_half_hidden_costs_seven_tenths_at_most() -> None:
    """20 blocks see what is visible, 8 and the side block all: 0.68 of the products, and less of the attention."""
    counts = []
    for objective in (Masked(low=0.5, high=0.5, full_weight=0.0, min_snr=None), MeanSquaredError()):
        own = params("mdt", width=64, patch=[1, 1], encoder_blocks=20, decoder_blocks=8)
        step = _steps(own.model_copy(update={"objective": objective}), OPTIONS["mdt"], CPU)
        with FlopCounterMode(display=False) as counted:
            step()
        counts.append(counted.get_total_flops())
    assert counts[0] / counts[1] <= 0.70


def test_only_patches_can_be_hidden() -> None:
    with pytest.raises(ValueError, match=r"--mask 0.5: the backbone dit has no patches to hide"):
        measure(params("dit"), Options((3, 8), text=(4, 8), batch=2, repeats=1, mask=0.5), CPU)


@pytest.mark.parametrize("written", ["8", "8,x", "8,0", ""])
def test_a_shape_is_two_or_three_numbers(written: str) -> None:
    with pytest.raises(ValueError, match=f"--latent {written}: expected 2 or 3 numbers"):
        sizes("--latent", written, 2, 3)
