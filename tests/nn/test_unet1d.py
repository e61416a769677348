"""DiscoDiff's U-Net against plain formulas, its size as published, and which lengths it takes."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from padstal.core.protocols import Conditioning
from padstal.nn.unet1d import LinearAttention, RmsNorm, SelfAttention, UNet1d

SIZES: dict[str, Any] = {
    "latent_channels": 6, "lower_channels": 2, "width": 16, "multiples": (1, 2, 2), "blocks": 2, "attentions": 1,
    "groups": 4, "heads": 2, "linear_features": 8, "cross_features": 8, "cond_width": 12, "padding": "masked",
}  # fmt: skip
PUBLISHED: dict[str, Any] = {
    "width": 576, "multiples": (1, 1, 2, 2, 4), "blocks": 5, "attentions": 2, "groups": 9, "heads": 9,
    "linear_features": 32, "cross_features": 128, "cond_width": 1024, "padding": "masked",
}  # fmt: skip
FRAMES = 16


def network(**changes: Any) -> UNet1d:
    torch.manual_seed(0)
    return UNet1d(**{**SIZES, **changes}).eval().requires_grad_(False)


def told(rows: int = 5, real: int = 3, lower: int = 2, seed: int = 1) -> Conditioning:
    draw = torch.Generator().manual_seed(seed)
    text_BLC = torch.randn(2, rows, 12, generator=draw)
    mask_BL = (torch.arange(rows) < real).expand(2, -1)
    others = {"lower": torch.randn(2, lower, FRAMES, generator=draw)} if lower else {}
    return Conditioning(text_BLC * mask_BL.unsqueeze(-1), mask_BL, others)


def output(unet: UNet1d, conditioning: Conditioning, time: float = 0.4) -> torch.Tensor:
    x_BDT = torch.randn(2, unet.output.out_channels, FRAMES, generator=torch.Generator().manual_seed(2))
    found: torch.Tensor = unet(x_BDT, torch.full((2,), time), unet.embed(conditioning))
    return found


@pytest.mark.parametrize("multiples", [(1,), (1, 2), (2, 1, 3, 1)])
def test_of_any_depth_it_answers_in_the_shape_that_it_generates(multiples: tuple[int, ...]) -> None:
    assert output(network(multiples=multiples), told()).shape == (2, 6, FRAMES)


def test_without_a_lower_latent_it_reads_the_noised_one_alone() -> None:
    assert output(network(lower_channels=0), told(lower=0)).shape == (2, 6, FRAMES)


@pytest.mark.parametrize(("own", "lower"), [(8, 0), (64, 8)])
def test_both_have_1_2_billion_parameters_at_the_published_size(own: int, lower: int) -> None:
    with torch.device("meta"):
        unet = UNet1d(latent_channels=own, lower_channels=lower, **PUBLISHED)
    assert sum(weight.numel() for weight in unet.parameters()) == pytest.approx(1.2e9, rel=0.005)


def test_frames_that_cannot_be_halved_are_refused_with_the_nearest_that_can() -> None:
    with pytest.raises(ValueError, match="18 latent frames: this U-Net halves them 2 times; the nearest are 16 or 20"):
        network(lower_channels=0)(torch.zeros(1, 6, 18), torch.zeros(1), told(lower=0))
    with pytest.raises(ValueError, match=r"the nearest are 4$"):
        network(lower_channels=0)(torch.zeros(1, 6, 3), torch.zeros(1), told(lower=0))


def test_it_hears_time_text_and_the_lower_latent() -> None:
    unet, base = network(), told()
    first = output(unet, base)
    assert not torch.allclose(first, output(unet, base, time=0.6))
    assert not torch.allclose(first, output(unet, told(seed=3)))
    other = Conditioning(base.text_BLC, base.mask_BL, {"lower": base.others["lower"] + 1})
    assert not torch.allclose(first, output(unet, other))


@pytest.mark.parametrize(("padding", "changes"), [("masked", False), ("visible", True)])
def test_rows_of_padding_are_read_only_where_they_are_visible(padding: str, changes: bool) -> None:
    unet, base = network(padding=padding), told()
    noise = torch.where(base.mask_BL.unsqueeze(-1), 0.0, 1.0)
    noisy = Conditioning(base.text_BLC + noise, base.mask_BL, base.others)
    assert torch.equal(output(unet, base), output(unet, noisy)) is not changes


def test_linear_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    layer = LinearAttention(12, heads=3, features=4).double()
    x = torch.randn(2, 12, 7, dtype=torch.float64)
    normal = functional.rms_norm(x.transpose(1, 2), (12,), eps=1e-6).transpose(1, 2)
    q, k, v = layer.to_qkv(normal).chunk(3, dim=1)
    read = torch.zeros(2, 12, 7, dtype=torch.float64)
    for head in range(3):
        own = slice(4 * head, 4 * head + 4)
        queries, keys = q[:, own].softmax(1) / 4**0.5, k[:, own].softmax(2)
        for position in range(7):
            weight = (queries[:, :, position, None] * keys).sum(1)
            read[:, own, position] = (weight[:, None] * v[:, own]).sum(2)
    assert torch.allclose(layer(x), x + layer.to_out(read), atol=1e-12)


def test_self_attention_is_torchs() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(12, heads=3, features=4).double()
    theirs = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True).double()
    x = torch.randn(2, 12, 7, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(layer.to_qkv.weight.squeeze(-1))
        theirs.out_proj.weight.copy_(layer.to_out.weight.squeeze(-1))
        normal = layer.norm(x).transpose(1, 2)
        expected = theirs(normal, normal, normal)[0].transpose(1, 2) + layer.to_out.bias[:, None]
        assert torch.allclose(layer(x) - x, expected, atol=1e-12)


def test_rms_norm_is_torchs() -> None:
    layer, x = RmsNorm(5), torch.randn(2, 5, 3)
    layer.gain.data.uniform_()
    expected = functional.rms_norm(x.transpose(1, 2), (5,), layer.gain.squeeze(), eps=1e-6).transpose(1, 2)
    assert torch.allclose(layer(x), expected, atol=1e-6)
