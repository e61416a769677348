"""The U-Net that QA-MDT is compared with: any length, the key mask, the quality, its size at AudioLDM 2's multiples."""

from typing import Any

import pytest
import torch

from padstal.core.protocols import Conditioning

pytestmark = pytest.mark.slow  # diffusers takes seconds to import

SIZES: dict[str, Any] = {
    "latent_channels": 3, "width": 8, "multiples": (1, 2, 3), "blocks": 1, "groups": 4, "head_features": 4,
    "cond_width": 8, "quality": True, "padding": "masked",
}  # fmt: skip
BATCH, ROWS = 2, 5
TIMES = torch.tensor([0.1, 0.9])


def network(**changes: Any) -> Any:
    from padstal.nn.unet2d import UNet2d

    torch.manual_seed(0)
    return UNet2d(**{**SIZES, **changes}).eval()


def told(level: float = 3.0, padding: float = 0.0) -> Conditioning:
    rows = torch.randn(BATCH, ROWS, 8, generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(ROWS) < 2).expand(BATCH, ROWS)
    return Conditioning(torch.where(mask.unsqueeze(-1), rows, padding), mask, {"quality": torch.full((BATCH,), level)})


def latent(frames: int = 12) -> torch.Tensor:
    return torch.randn(BATCH, 3, frames, 8, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def output(made: Any, conditioning: Conditioning, x: torch.Tensor | None = None) -> torch.Tensor:
    found: torch.Tensor = made(latent() if x is None else x, TIMES, made.embed(conditioning))
    return found


@pytest.mark.parametrize("frames", [12, 13, 26, 103])
def test_a_latent_may_have_any_length(frames: int) -> None:
    assert output(network(), told(), latent(frames)).shape == (BATCH, 3, frames, 8)


def test_rows_of_padding_count_only_where_they_are_visible() -> None:
    for padding, same in (("masked", True), ("visible", False)):
        made = network(padding=padding)
        assert torch.equal(output(made, told()), output(made, told(padding=1.0))) == same


def test_the_level_alters_the_output_and_is_interpolated() -> None:
    made = network()
    assert not torch.allclose(output(made, told(1.0)), output(made, told(5.0)), atol=1e-5)
    half = made.embed(told(2.5)).others["quality_vector"]
    torch.testing.assert_close(half, (made.quality.weight[2] + made.quality.weight[3]).expand_as(half) / 2)
    without = network(quality=False)
    assert torch.equal(output(without, told(1.0)), output(without, told(5.0)))


def test_every_weight_learns() -> None:
    made, conditioning = network().train(), told()
    made(latent(), TIMES, made.embed(conditioning)).square().mean().backward()
    still = [name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


@pytest.mark.parametrize(("width", "millions"), [(128, 187.9), (288, 910.0)], ids=["AudioLDM 2", "scale full"])
def test_the_size_at_audioldm_2s_multiples(width: int, millions: float) -> None:
    """AudioLDM 2's own has a second cross-attention, to another encoder's texts; QA-MDT's U-Net has 1.0 B."""
    with torch.device("meta"):
        made = network(
            latent_channels=8,
            width=width,
            multiples=(1, 2, 3, 5),
            blocks=2,
            groups=32,
            head_features=32,
            cond_width=1024,
        )
    assert sum(weight.numel() for weight in made.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)
