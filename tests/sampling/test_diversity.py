from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from padstal.sampling.diversity.annealing import Annealing
from padstal.sampling.diversity.cads import Cads, rescaled
from padstal.sampling.diversity.pads import Pads, low_saliency

B, L, C = 3, 10, 4


def rows() -> torch.Tensor:
    """Three prompts of 4, 7 and 10 tokens; padding rows are zero."""
    c = torch.randn(B, L, C, generator=torch.Generator().manual_seed(0))
    return c * mask().unsqueeze(-1)


def mask() -> torch.Tensor:
    return torch.arange(L) < torch.tensor([[4], [7], [10]])


def noise() -> torch.Tensor:
    return torch.randn(B, L, C, generator=torch.Generator().manual_seed(1))


def pads(**changes: object) -> Pads:
    return Pads.model_validate({"strength": 0.5, "tau1": 0.6, "tau2": 0.9, **changes})


def cads(**changes: object) -> Cads:
    return Cads.model_validate({"strength": 0.5, "tau1": 0.6, "tau2": 0.9, "rescale": 0.0, **changes})


def applied(method: Annealing, c: torch.Tensor, t: float) -> torch.Tensor:
    return method.condition(c, mask(), noise(), t)


# γ


def test_gamma_is_one_at_data_and_zero_at_noise() -> None:
    assert pads().gamma(0.0) == 1.0
    assert pads().gamma(1.0) == 0.0


def test_gamma_is_one_up_to_tau1_and_zero_from_tau2() -> None:
    assert pads().gamma(0.6) == 1.0
    assert pads().gamma(0.9) == 0.0


def test_gamma_is_a_straight_line_between() -> None:
    assert pads().gamma(0.75) == pytest.approx(0.5)
    assert pads().gamma(0.7) == pytest.approx(2 / 3)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_gamma_never_rises_with_noise(a: float, b: float, t: float, u: float) -> None:
    setting = cads(tau1=min(a, b), tau2=max(a, b))
    assert 0 <= setting.gamma(max(t, u)) <= setting.gamma(min(t, u)) <= 1


def test_equal_taus_are_a_step_and_divide_by_nothing() -> None:
    setting = pads(tau1=0.8, tau2=0.8)
    assert [setting.gamma(t) for t in (0.79, 0.8, 0.81)] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("tau1", "tau2", "said"),
    [(0.9, 0.6, "tau1 = 0.9 must not exceed tau2 = 0.6"), (-0.1, 0.5, "greater than"), (0.5, 1.1, "less than")],
)
def test_taus_out_of_order_or_range_are_refused(tau1: float, tau2: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pads(tau1=tau1, tau2=tau2)


# M


def test_mask_starts_right_after_the_end_of_sequence() -> None:
    # L_sal = 4 tokens, 0-indexed rows 0..3; row 4 is the first of low saliency
    assert low_saliency(mask(), 0)[0].tolist() == [False] * 4 + [True] * 6


def test_each_sample_has_its_own_mask() -> None:
    assert low_saliency(mask(), 0).sum(dim=1).tolist() == [6, 3, 0]


def test_min_low_takes_exactly_the_last_rows() -> None:
    assert low_saliency(mask(), 2)[2].tolist() == [False] * 8 + [True] * 2
    assert low_saliency(mask(), 2)[0].sum() == 6  # already among the padding


def test_an_empty_prompt_has_one_salient_row() -> None:
    empty = torch.arange(L) < 1
    assert low_saliency(empty.unsqueeze(0), 0)[0].tolist() == [False] + [True] * (L - 1)


def test_min_low_of_all_rows_or_more_takes_all() -> None:
    assert low_saliency(mask(), L).all()
    assert low_saliency(mask(), L + 5).all()


def test_left_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="padding on the left"):
        low_saliency(mask().flip(1), 0)


# ĉ


def test_pads_leaves_semantic_rows_bit_identical() -> None:
    setting, c = pads(), rows()
    perturbed = applied(setting, c, 0.95)
    assert torch.equal(perturbed[mask()], c[mask()])
    assert not torch.equal(perturbed[~mask()], c[~mask()])


def test_padding_becomes_s_root_one_minus_gamma_n() -> None:
    setting = pads()
    perturbed = applied(setting, rows(), 0.75)
    assert torch.allclose(perturbed[~mask()], 0.5 * 0.5**0.5 * noise()[~mask()])


def test_cads_is_equation_1_on_every_text_row() -> None:
    setting = cads()
    gamma = setting.gamma(0.8)
    expected = gamma**0.5 * rows() + 0.5 * (1 - gamma) ** 0.5 * noise()
    assert torch.allclose(applied(setting, rows(), 0.8), expected)


def test_pads_with_every_row_masked_is_cads() -> None:
    whole, every = cads(), pads(min_low=L)
    assert torch.equal(applied(whole, rows(), 0.8), applied(every, rows(), 0.8))


def test_pads_of_a_full_length_prompt_is_the_identity() -> None:
    setting, c = pads(), rows()
    assert torch.equal(applied(setting, c, 1.0)[2], c[2])


def test_min_low_reaches_the_last_tokens_of_a_full_prompt() -> None:
    setting, c = pads(min_low=2), rows()
    perturbed = applied(setting, c, 1.0)[2]
    assert torch.equal(perturbed[:8], c[2, :8])
    assert (perturbed[8:] != c[2, 8:]).all()


def test_strength_zero_leaves_zero_padding_as_it_is() -> None:
    setting, c = pads(strength=0.0), rows()
    assert torch.equal(applied(setting, c, 0.95), c)


def test_strength_zero_scales_padding_that_is_not_zero_by_root_gamma() -> None:
    setting = pads(strength=0.0)
    c = torch.ones(B, L, C)
    perturbed = applied(setting, c, 0.75)
    assert torch.allclose(perturbed[~mask()], torch.tensor(0.5**0.5))
    assert torch.equal(perturbed[mask()], c[mask()])


@pytest.mark.parametrize("method", [pads(), cads()], ids=lambda one: one.kind)
def test_nothing_happens_where_gamma_is_one(method: Annealing) -> None:
    assert not method.perturbs(0.6)
    assert torch.equal(applied(method, rows(), 0.6), rows())


def test_noise_is_added_in_float32_then_cast() -> None:
    setting, c = pads(), rows().bfloat16()
    perturbed = applied(setting, c, 1.0)
    assert perturbed.dtype == torch.bfloat16
    assert torch.equal(perturbed[~mask()], (0.5 * noise()[~mask()]).bfloat16())
    assert torch.equal(perturbed[mask()], c[mask()])


# ψ


def test_full_rescaling_gives_each_sample_its_own_mean_and_spread_back() -> None:
    clean = rows() * torch.tensor([1.0, 5.0, 0.2])[:, None, None] + torch.tensor([0.0, 3.0, -1.0])[:, None, None]
    matched = rescaled(clean + 2 * noise(), clean, 1.0)
    assert torch.allclose(matched.mean(dim=(1, 2)), clean.mean(dim=(1, 2)), atol=1e-5)
    assert torch.allclose(matched.std(dim=(1, 2)), clean.std(dim=(1, 2)), atol=1e-5)


def test_rescaling_a_sample_does_not_depend_on_its_batch() -> None:
    noisy, clean = rows() + noise(), rows()
    assert torch.equal(rescaled(noisy, clean, 1.0)[:1], rescaled(noisy[:1], clean[:1], 1.0))


def test_half_a_psi_is_half_way() -> None:
    noisy, clean = rows() + noise(), rows()
    expected = 0.5 * rescaled(noisy, clean, 1.0) + 0.5 * noisy
    assert torch.allclose(rescaled(noisy, clean, 0.5), expected, atol=1e-6)


def test_a_sample_without_spread_is_not_rescaled() -> None:
    noisy = torch.zeros(1, L, C)
    assert torch.equal(rescaled(noisy, rows()[:1], 1.0), noisy)


def test_pads_has_no_rescaling_since_it_would_move_semantic_rows() -> None:
    with pytest.raises(ValueError, match="rescale"):
        pads(rescale=1.0)


# the unit of s


@pytest.mark.parametrize("method", [pads, cads])
def test_in_units_of_real_rows_s_follows_the_scale_of_each_sample(method: Callable[..., Annealing]) -> None:
    c = rows() * torch.tensor([1.0, 3.0, 0.2]).view(-1, 1, 1)
    relative = applied(method(unit="salient_rms"), c, 0.8)
    for sample, tokens in enumerate((4, 7, 10)):
        rms = float(c[sample, :tokens].square().mean().sqrt())
        absolute = applied(method(strength=0.5 * rms), c, 0.8)
        assert torch.allclose(relative[sample], absolute[sample], atol=1e-6)


def test_the_null_branch_has_no_rows_to_count_in() -> None:
    with pytest.raises(ValidationError, match="unit = salient_rms: the null branch has no real rows"):
        pads(unit="salient_rms", perturb_uncond="shared")
