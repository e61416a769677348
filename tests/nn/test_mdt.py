"""QA-MDT's backbone: what is hidden, what is restored, what the quality token does, and its published size."""

from typing import Any

import pytest
import torch

from padstal.core.protocols import Conditioning, Hidden
from padstal.nn.mdt import Mdt
from padstal.nn.rotary import rotary_angles_2d, rotate

SHAPE = (3, 10, 6)
SIZES: dict[str, Any] = {
    "latent_shape": SHAPE, "patch": (2, 2), "overlap": (0, 0), "width": 32, "heads": 4, "encoder_blocks": 4,
    "decoder_blocks": 2, "feed_forward": 2, "cond_width": 8, "quality": True, "positions": "rope2d",
    "padding": "masked",
}  # fmt: skip
BATCH, ROWS = 3, 5
PATCHES = 15


def network(**changes: Any) -> Mdt:
    """With random weights where fresh ones are zero."""
    torch.manual_seed(0)
    made = Mdt(**{**SIZES, **changes})
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return made.eval()


def told(seed: int = 0, level: float = 3.0, real: int = 2) -> Conditioning:
    rows = torch.randn(BATCH, ROWS, 8, generator=torch.Generator().manual_seed(seed))
    mask = (torch.arange(ROWS) < real).expand(BATCH, ROWS)
    return Conditioning(rows * mask.unsqueeze(-1), mask, {"quality": torch.full((BATCH,), level)})


def latent(seed: int = 1) -> torch.Tensor:
    return torch.randn(BATCH, *SHAPE, generator=torch.Generator().manual_seed(seed))


TIMES = torch.tensor([0.1, 0.5, 0.9])


@torch.no_grad()
def output(made: Mdt, conditioning: Conditioning | None = None, x: torch.Tensor | None = None, **options: Any) -> Any:
    embedded = made.embed(told() if conditioning is None else conditioning)
    return made(latent() if x is None else x, TIMES, embedded, **options)


def hidden(*counts: int) -> Hidden:
    """The first so many patches of each sample."""
    return Hidden(torch.arange(PATCHES) < torch.tensor(counts).unsqueeze(1), min(counts), max(counts))


@pytest.mark.parametrize(
    ("changes", "millions"),
    [({"positions": "rope2d"}, 675.0), ({"positions": "sincos"}, 676.2)],
    ids=["paper", "released"],
)
def test_the_published_form_has_the_published_size(changes: dict[str, Any], millions: float) -> None:
    with torch.device("meta"):
        made = Mdt(
            **{
                **SIZES, "latent_shape": (8, 256, 16), "patch": (4, 1), "width": 1152, "heads": 16,
                "encoder_blocks": 20, "decoder_blocks": 8, "feed_forward": 4, "cond_width": 1024, **changes,
            }
        )  # fmt: skip
    assert sum(weight.numel() for weight in made.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("overlap", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("positions", ["rope2d", "sincos"])
def test_the_output_has_the_form_of_the_latent(positions: str, overlap: tuple[int, int]) -> None:
    assert output(network(positions=positions, overlap=overlap)).shape == (BATCH, *SHAPE)


@pytest.mark.parametrize("positions", ["rope2d", "sincos"])
def test_a_sample_that_hides_much_sees_no_patch_more_for_one_that_hides_little(positions: str) -> None:
    """Of equal counts nothing is filled up; so samples of unequal counts must come out as they do alone."""
    made = network(positions=positions)
    together = output(made, hide=lambda _: hidden(4, 9, 6))
    for sample, count in enumerate((4, 9, 6)):
        alone = output(made, hide=lambda _, count=count: hidden(count, count, count))
        torch.testing.assert_close(together[sample], alone[sample], rtol=1e-4, atol=1e-5)


def test_the_encoder_sees_no_hidden_patch() -> None:
    made = network()
    seen: list[torch.Tensor] = []
    for block in (*made.encoder_in, *made.encoder_out):
        block.register_forward_hook(lambda module, arguments, result: seen.append(result))
    output(made, hide=lambda _: hidden(6, 6, 6))
    assert {one.shape[1] for one in seen} == {1 + PATCHES - 6}
    first = seen[0].clone()
    changed = latent()
    changed[:, :, :4] += 1  # rows 0 and 1 of patches: all that is hidden
    seen.clear()
    output(made, x=changed, hide=lambda _: hidden(6, 6, 6))
    assert torch.equal(seen[0], first)


def test_the_decoder_is_told_the_input_of_hidden_patches_too() -> None:
    made = network()
    changed = latent()
    changed[:, :, :4] += 1
    before, after = (output(made, x=x, hide=lambda _: hidden(6, 6, 6)) for x in (latent(), changed))
    assert not torch.allclose(before[:, :, :4], after[:, :, :4])


def test_visible_patches_pass_the_side_block_by_and_the_quality_token_does_not() -> None:
    made = network()
    seen: dict[str, torch.Tensor] = {}
    made.side.register_forward_hook(lambda module, arguments, result: seen.update(before=arguments[0], side=result))
    made.decoder[0].register_forward_pre_hook(lambda module, arguments: seen.update(after=arguments[0]))
    output(made, hide=lambda _: hidden(6, 6, 6))
    assert torch.equal(seen["after"][:, 7:], seen["before"][:, 7:])
    assert torch.equal(seen["after"][:, :7], seen["side"][:, :7])


def test_with_all_visible_the_side_block_is_passed_over() -> None:
    made = network()
    made.side.register_forward_hook(lambda *_: pytest.fail("the side block was asked"))
    output(made)


def test_the_quality_token_is_interpolated_and_the_unknown_level_is_its_own() -> None:
    made = network()
    table = made.quality.weight
    with torch.no_grad():
        token = made.quality(torch.tensor([1.0, 5.0, 2.25, 0.0]))
    torch.testing.assert_close(token[0], table[1].detach())
    torch.testing.assert_close(token[1], table[5].detach())
    torch.testing.assert_close(token[2], (0.75 * table[2] + 0.25 * table[3]).detach())
    torch.testing.assert_close(token[3], table[0].detach())


def test_the_level_alters_the_output_and_without_a_token_it_does_not() -> None:
    made = network()
    assert not torch.allclose(output(made, told(level=1.0)), output(made, told(level=5.0)), atol=1e-4)
    without = network(quality=False)
    assert torch.equal(output(without, told(level=1.0)), output(without, told(level=5.0)))


def test_rows_of_padding_count_only_where_they_are_visible() -> None:
    """Visible rows of zeros draw attention and give nothing."""
    for padding, same in (("masked", True), ("visible", False)):
        made, conditioning = network(padding=padding), told()
        text = conditioning.text_BLC.clone()
        text[:, 2:] = 1.0
        noisy = Conditioning(text, conditioning.mask_BL, conditioning.others)
        assert torch.allclose(output(made, conditioning), output(made, noisy), atol=1e-6) == same


def test_fresh_skips_pass_on_what_comes_and_ignore_what_is_merged() -> None:
    torch.manual_seed(0)
    merge = Mdt(**SIZES).decoder[0].merge
    x, skip = torch.randn(2, 4, 32), torch.randn(2, 4, 32)
    torch.testing.assert_close(merge(torch.cat([x, skip], dim=-1)), x)


def test_rotated_products_depend_on_the_distance_along_both_axes_alone() -> None:
    cos, sin = rotary_angles_2d(6, 5, 16, torch.device("cpu"))
    q, k = torch.randn(2, 16), torch.randn(2, 16)

    def product(at: tuple[int, int], other: tuple[int, int]) -> torch.Tensor:
        turned = [
            rotate(one.expand(1, 2, 30, 16) * 1.0, cos, sin)[0, 0, row * 5 + column]
            for one, (row, column) in ((q[:1], at), (k[:1], other))
        ]
        return turned[0] @ turned[1]

    torch.testing.assert_close(product((0, 0), (2, 1)), product((3, 3), (5, 4)), rtol=1e-5, atol=1e-5)
    assert not torch.isclose(product((0, 0), (2, 1)), product((0, 0), (1, 2)), rtol=1e-3)


def test_every_weight_learns_from_the_sum_of_both_passes() -> None:
    made = network(positions="sincos").train()
    conditioning = told()
    conditioning.others["quality"][0] = 0.0
    embedded = made.embed(conditioning)
    both = (made(latent(), TIMES, embedded), made(latent(), TIMES, embedded, hide=lambda _: hidden(6, 6, 6)))
    sum(one.square().mean() for one in both).backward()  # type: ignore[union-attr]
    still = [name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []
