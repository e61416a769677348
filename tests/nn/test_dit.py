import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, POSITIONS, SHAPE, WIDTH, random_denoiser

from padstal.diffusion.denoiser import Denoiser
from padstal.nn.rotary import rotary_angles, rotate


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(batch, CHANNELS, FRAMES, generator=generator)
    rows = torch.randn(batch, POSITIONS + 2, WIDTH, generator=generator)
    rows[:, 5:POSITIONS] = 0  # padding
    return x, torch.rand(batch, generator=generator), rows, torch.randn(batch, 2 * WIDTH, generator=generator)


def test_untrained_blocks_are_identities_and_a_first_step_reaches_them() -> None:
    x, t, rows, told = inputs()
    dit = Denoiser(SHAPE).dit
    tokens = torch.randn(2, 5, SHAPE.width)
    cos, sin = rotary_angles(5, SHAPE.width // SHAPE.heads, torch.device("cpu"))
    embedded = dit.embed_conditioning(rows)
    assert torch.equal(dit.blocks[0](tokens, embedded, cos, sin), tokens)
    dit(x, t, embedded, told).square().mean().backward()
    assert all(weight.grad.any() for name, weight in dit.blocks.named_parameters() if name.endswith("to_out.weight"))


def test_zero_rows_stay_zero_through_to_cond_embed_and_to_kv() -> None:
    _, _, rows, _ = inputs()
    dit = random_denoiser().dit
    embedded = dit.embed_conditioning(rows)
    assert torch.equal(embedded[:, 5:POSITIONS], torch.zeros(2, POSITIONS - 5, WIDTH))
    assert (embedded[:, :5] != 0).any()
    for block in dit.blocks:
        assert torch.equal(block.cross_attention.to_kv(embedded)[:, 5:POSITIONS].unique(), torch.zeros(1))


def test_padding_is_visible_fewer_zero_rows_change_the_output() -> None:
    x, t, rows, told = inputs()
    dit = random_denoiser().dit
    embedded = dit.embed_conditioning(rows)
    without = torch.cat([embedded[:, :5], embedded[:, POSITIONS:]], dim=1)
    assert not torch.allclose(dit(x, t, embedded, told), dit(x, t, without, told), atol=1e-4)


def test_noise_on_padding_changes_the_output() -> None:
    x, t, rows, told = inputs()
    dit = random_denoiser().dit
    embedded = dit.embed_conditioning(rows)
    noisy = embedded.clone()
    noisy[:, 5:POSITIONS] = torch.randn(2, POSITIONS - 5, WIDTH, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(dit(x, t, embedded, told), dit(x, t, noisy, told), atol=1e-4)


def test_null_rows_give_no_cross_attention_at_all() -> None:
    block = random_denoiser().dit.blocks[0]
    tokens = torch.randn(2, 4, SHAPE.width)
    assert torch.equal(block.cross_attention(tokens, torch.zeros(2, POSITIONS, WIDTH)), torch.zeros_like(tokens))


def test_cross_attention_is_softmax_over_all_rows() -> None:
    _, _, rows, _ = inputs()
    attention = random_denoiser().dit.blocks[0].cross_attention
    tokens = torch.randn(2, 4, SHAPE.width, generator=torch.Generator().manual_seed(1))
    heads, width = SHAPE.heads, SHAPE.width // SHAPE.heads
    q = attention.to_q(tokens).view(2, 4, heads, width)
    k, v = attention.to_kv(rows).chunk(2, dim=-1)  # one head of keys and values serves both
    weights = torch.softmax(torch.einsum("bthe,bre->bhtr", q, k) / width**0.5, dim=-1)
    expected = attention.to_out(torch.einsum("bhtr,bre->bthe", weights, v).flatten(2))
    assert torch.allclose(attention(tokens, rows), expected, atol=1e-5)


def test_global_conditioning_and_time_reach_the_output() -> None:
    x, t, rows, told = inputs()
    dit = random_denoiser().dit
    embedded = dit.embed_conditioning(rows)
    base = dit(x, t, embedded, told)
    assert not torch.allclose(base, dit(x, t, embedded, torch.zeros_like(told)), atol=1e-4)
    assert not torch.allclose(base, dit(x, 1 - t, embedded, told), atol=1e-4)


def test_samples_of_a_batch_do_not_see_one_another() -> None:
    x, t, rows, told = inputs()
    dit = random_denoiser().dit
    embedded = dit.embed_conditioning(rows)
    alone = dit(x[:1], t[:1], embedded[:1], told[:1])
    assert torch.allclose(dit(x, t, embedded, told)[:1], alone, atol=1e-5)


def test_rotation_keeps_norms_and_products_depend_on_distance_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 16, generator=generator)
    cos, sin = rotary_angles(12, 16, torch.device("cpu"))
    q_rotated = rotate(q.expand(1, 1, 12, 16), cos, sin)[0, 0]
    k_rotated = rotate(k.expand(1, 1, 12, 16), cos, sin)[0, 0]
    assert torch.allclose(q_rotated.norm(dim=-1), q.norm().expand(12), atol=1e-5)
    products = q_rotated @ k_rotated.T
    assert torch.allclose(products[2, 5], products[6, 9], atol=1e-4)
    assert not torch.allclose(products[2, 5], products[2, 6], atol=1e-3)


def test_impossible_sizes_name_both_numbers() -> None:
    with pytest.raises(ValueError, match=r"width = 30.*heads = 4"):
        type(SHAPE)(CHANNELS, 30, 1, 4, 2, WIDTH, 2 * WIDTH, 2)
