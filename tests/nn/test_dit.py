import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FORM, FRAMES, LATENT_SHAPE, POSITIONS, WIDTH, random_denoiser

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DiTBackbone
from padstal.nn.dit import DiT
from padstal.nn.rotary import rotary_angles, rotate

TOKEN, HEADS = FORM.backbone.width, FORM.backbone.heads


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, Conditioning]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(batch, CHANNELS, FRAMES, generator=generator)
    text = torch.randn(batch, POSITIONS, WIDTH, generator=generator)
    text[:, 5:] = 0  # padding
    others = {
        "seconds": torch.randn(batch, 2, WIDTH, generator=generator),
        "global": torch.randn(batch, 2 * WIDTH, generator=generator),
    }
    mask = torch.arange(POSITIONS).expand(batch, -1) < 5
    return x, torch.rand(batch, generator=generator), Conditioning(text, mask, others)


def with_text(told: Conditioning, text: torch.Tensor) -> Conditioning:
    return Conditioning(text, told.mask_BL, told.others)


def dit_of(seed: int = 0) -> DiT:
    made = random_denoiser(seed).backbone
    assert isinstance(made, DiT)
    return made


def test_untrained_blocks_are_identities_and_a_first_step_reaches_them() -> None:
    x, t, told = inputs()
    dit = Denoiser(FORM, LATENT_SHAPE, WIDTH).backbone
    tokens = torch.randn(2, 5, TOKEN)
    cos, sin = rotary_angles(5, TOKEN // HEADS, torch.device("cpu"))
    embedded = dit.embed(told)
    assert torch.equal(dit.blocks[0](tokens, embedded.text_BLC, cos, sin), tokens)
    dit(x, t, embedded).square().mean().backward()
    assert all(weight.grad.any() for name, weight in dit.blocks.named_parameters() if name.endswith("to_out.weight"))


def test_zero_rows_stay_zero_through_to_cond_embed_and_to_kv() -> None:
    _, _, told = inputs()
    dit = dit_of()
    embedded = dit.embed(told)
    assert torch.equal(embedded.text_BLC[:, 5:], torch.zeros(2, POSITIONS - 5, WIDTH))
    assert (embedded.text_BLC[:, :5] != 0).any()
    for block in dit.blocks:
        assert torch.equal(block.cross_attention.to_kv(embedded.text_BLC)[:, 5:].unique(), torch.zeros(1))


def test_padding_is_visible_fewer_zero_rows_change_the_output() -> None:
    x, t, told = inputs()
    dit = dit_of()
    embedded = dit.embed(told)
    without = with_text(embedded, embedded.text_BLC[:, :5])
    assert not torch.allclose(dit(x, t, embedded), dit(x, t, without), atol=1e-4)


def test_noise_on_padding_changes_the_output() -> None:
    x, t, told = inputs()
    dit = dit_of()
    embedded = dit.embed(told)
    noisy = embedded.text_BLC.clone()
    noisy[:, 5:] = torch.randn(2, POSITIONS - 5, WIDTH, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(dit(x, t, embedded), dit(x, t, with_text(embedded, noisy)), atol=1e-4)


def test_null_rows_give_no_cross_attention_at_all() -> None:
    block = dit_of().blocks[0]
    tokens = torch.randn(2, 4, TOKEN)
    assert torch.equal(block.cross_attention(tokens, torch.zeros(2, POSITIONS, WIDTH)), torch.zeros_like(tokens))


def test_cross_attention_is_softmax_over_all_rows() -> None:
    _, _, told = inputs()
    attention = dit_of().blocks[0].cross_attention
    tokens = torch.randn(2, 4, TOKEN, generator=torch.Generator().manual_seed(1))
    heads, width = HEADS, TOKEN // HEADS
    q = attention.to_q(tokens).view(2, 4, heads, width)
    k, v = attention.to_kv(told.text_BLC).chunk(2, dim=-1)  # one head of keys and values serves both
    weights = torch.softmax(torch.einsum("bthe,bre->bhtr", q, k) / width**0.5, dim=-1)
    expected = attention.to_out(torch.einsum("bhtr,bre->bthe", weights, v).flatten(2))
    assert torch.allclose(attention(tokens, told.text_BLC), expected, atol=1e-5)


def test_global_conditioning_and_time_reach_the_output() -> None:
    x, t, told = inputs()
    dit = dit_of()
    embedded = dit.embed(told)
    base = dit(x, t, embedded)
    others = {**embedded.others, "global": torch.zeros_like(embedded.others["global"])}
    silent = Conditioning(embedded.text_BLC, embedded.mask_BL, others)
    assert not torch.allclose(base, dit(x, t, silent), atol=1e-4)
    assert not torch.allclose(base, dit(x, 1 - t, embedded), atol=1e-4)


def test_samples_of_a_batch_do_not_see_one_another() -> None:
    x, t, told = inputs()
    dit = dit_of()
    embedded = dit.embed(told)
    alone = dit(x[:1], t[:1], embedded.map(lambda tensor: tensor[:1]))
    assert torch.allclose(dit(x, t, embedded)[:1], alone, atol=1e-5)


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
        DiTBackbone(width=30, depth=1, heads=4, cross_heads=2, feed_forward=2)


def test_latents_of_more_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"latents of shape \(8, 4, 16\): a dit takes \(channels, frames\)"):
        Denoiser(FORM, (8, 4, 16), WIDTH)


def test_learned_frequencies_start_as_the_fixed_ones_and_learn() -> None:
    x, t, told = inputs()
    outputs = []
    for learned in (False, True):
        form = FORM.model_copy(update={"backbone": FORM.backbone.model_copy(update={"learned_frequencies": learned})})
        torch.manual_seed(0)
        dit = Denoiser(form, LATENT_SHAPE, WIDTH).backbone
        assert ("time_features.frequency" in dict(dit.named_parameters())) == learned
        assert "time_features.frequency" in dit.state_dict()
        outputs.append(dit(x, t, dit.embed(told)))
    assert torch.equal(*outputs)
    # blocks start as identities, and time enters by them: let one through
    torch.nn.init.eye_(dit.blocks[0].self_attention.to_out.weight)
    dit(x, t, dit.embed(told)).square().mean().backward()
    assert dit.time_features.frequency.grad.abs().sum() > 0
