from typing import Any, Literal

import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, POSITIONS, WIDTH, FakeTextEncoder, random_denoiser
from tests.diffusion.fakes import setting as setting_of

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling.batching import batches
from padstal.sampling.diversity import METHODS
from padstal.sampling.diversity.pads import Pads
from padstal.sampling.guided_denoiser import GuidedDenoiser

PROMPTS = ["jazz", "slow rock", "x" * 40]
DENOISER = random_denoiser()
BOTH = ("cond", "uncond")


def told_of(prompts: list[str], denoiser: Denoiser = DENOISER, start: float = 0.0, total: float = 18.0) -> Conditioning:
    count = len(prompts)
    return denoiser.condition(
        FakeTextEncoder().encode(prompts),
        {"seconds_start": torch.full((count,), start), "seconds_total": torch.full((count,), total)},
    )


def branches_of(prompts: list[str]) -> dict[str, Conditioning]:
    told = told_of(prompts)
    return {"cond": told, "uncond": DENOISER.null(told)}


def guided(
    w: float = 3.0,
    method: dict[str, Any] | None = None,
    prompts: list[str] = PROMPTS,
    guidance: dict[str, Any] | None = None,
) -> GuidedDenoiser:
    (batch,) = batches(prompts, [1] * len(prompts), range(len(prompts)), len(prompts))
    how = setting_of(method or {"kind": "none"}, w, **({"guidance": guidance} if guidance else {}))
    return GuidedDenoiser(DENOISER, branches_of(prompts), batch, how)


def latents() -> torch.Tensor:
    return torch.randn(len(PROMPTS), CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))


def method(kind: str = "pads", **changes: object) -> dict[str, Any]:
    extra = {"rescale": 0.0} if kind == "cads" else {}
    return {"kind": kind, "strength": 0.5, "tau1": 0.2, "tau2": 0.4, **extra, **changes}


def rows(denoise: GuidedDenoiser, t: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Text and seconds rows [B, L + 2, C] of both branches, as the backbone is given them."""
    told = denoise.told(BOTH, t)
    cond, uncond = (torch.cat([told[name].text_BLC, told[name].others["seconds"]], dim=1) for name in BOTH)
    return cond, uncond


def two_calls(t: float) -> tuple[torch.Tensor, torch.Tensor]:
    """v of the conditional and of the null branch, by the way that training goes."""
    told, t_B = told_of(PROMPTS), torch.full((3,), t)
    return tuple(DENOISER(latents(), t_B, DENOISER.embed(one)) for one in (told, DENOISER.null(told)))  # type: ignore[return-value]


def test_one_batched_call_equals_two_calls() -> None:
    told, null = two_calls(0.3)
    assert torch.allclose(guided(3.0).output(latents(), 0.3, 1.0), null + 3.0 * (told - null), atol=1e-5)


def test_guidance_one_is_the_conditional_model_and_zero_the_null_one() -> None:
    told, null = two_calls(0.3)
    assert torch.allclose(guided(1.0).output(latents(), 0.3, 1.0), told, atol=1e-5)
    assert torch.allclose(guided(0.0).output(latents(), 0.3, 1.0), null, atol=1e-5)


def test_the_null_branch_is_zero_on_all_cross_rows_and_keeps_the_global_conditioning() -> None:
    told, null = rows(guided(method=method()))
    assert torch.equal(null, torch.zeros_like(told))
    other = DENOISER.null(told_of(PROMPTS, start=9.0, total=200.0))
    v_other = DENOISER(latents(), torch.full((3,), 0.3), DENOISER.embed(other))
    assert not torch.allclose(v_other, two_calls(0.3)[1], atol=1e-4)


@pytest.mark.parametrize("kind", ["cads", "pads"])
def test_seconds_rows_are_never_perturbed(kind: str) -> None:
    clean, _ = rows(guided())
    noisy, _ = rows(guided(method=method(kind)))
    assert torch.equal(noisy[:, POSITIONS:], clean[:, POSITIONS:])
    assert not torch.equal(noisy[:, :POSITIONS], clean[:, :POSITIONS])


def test_pads_touches_padding_alone_each_prompt_by_its_own_length() -> None:
    clean, _ = rows(guided())
    noisy, _ = rows(guided(method=method()))
    touched = (noisy != clean).any(dim=-1)[:, :POSITIONS]
    assert touched.sum(dim=1).tolist() == [POSITIONS - 5, POSITIONS - 10, 0]  # letters and </s> are kept


def test_noise_is_added_after_to_cond_embed() -> None:
    noisy, _ = rows(guided(method=method(strength=2.0)))
    padding = noisy[0, 5:POSITIONS]
    assert float(padding.std()) == pytest.approx(2.0, rel=0.15)


def test_every_evaluation_draws_fresh_noise() -> None:
    denoise = guided(method=method())
    first, _ = rows(denoise)
    second, _ = rows(denoise)
    assert not torch.equal(first[0, 5:POSITIONS], second[0, 5:POSITIONS])


def test_noise_of_a_sample_does_not_depend_on_its_batch() -> None:
    together, _ = rows(guided(method=method("cads", rescale=1.0)))
    alone, _ = rows(guided(method=method("cads", rescale=1.0), prompts=PROMPTS[:1]))
    assert torch.allclose(together[:1], alone, atol=1e-6)


def test_the_null_branch_can_share_the_noise_or_have_its_own() -> None:
    for choice, equal in (("shared", True), ("independent", False)):
        told, null = rows(guided(method=method(perturb_uncond=choice)))
        assert torch.equal(told[0, 5:POSITIONS], null[0, 5:POSITIONS]) is equal
        assert null[0, 5:POSITIONS].any()
        assert torch.equal(null[:, POSITIONS:], torch.zeros(3, 2, WIDTH))
        assert torch.equal(null[0, :5], torch.zeros(5, WIDTH))


def test_own_null_noise_leaves_the_conditional_branch_as_it_was() -> None:
    clean_null, _ = rows(guided(method=method()))
    own_null, _ = rows(guided(method=method(perturb_uncond="independent")))
    assert torch.equal(clean_null, own_null)


def test_gamma_is_asked_with_diffusion_time_not_with_sigma_or_step() -> None:
    times: list[float] = []

    class Watching(Pads):
        kind: Literal["watching"] = "watching"  # type: ignore[assignment]

        def gamma(self, t: float) -> float:
            times.append(t)
            return super().gamma(t)

    METHODS.add(Watching)
    denoise = guided(method=method("watching"))
    denoise(latents(), 3.0777)
    assert times
    assert set(times) == {DENOISER.schedule.time_of(3.0777)}


def test_the_denoised_is_x0_of_the_guided_velocity() -> None:
    sigma = 2.0
    x = latents() * 3
    alpha = 1 / (1 + sigma**2) ** 0.5
    denoise = guided(3.0)
    v = denoise.output(x * alpha, DENOISER.schedule.time_of(sigma), sigma)
    assert torch.allclose(denoise(x, sigma), alpha * (alpha * x) - sigma * alpha * v, atol=1e-5)


def test_guidance_in_an_interval_is_plain_guidance_inside_and_none_outside() -> None:
    interval = guided(guidance={"kind": "interval", "w": 3.0, "sigma_low": 0.5, "sigma_high": 5.0})
    assert torch.equal(interval(latents(), 2.0), guided(3.0)(latents(), 2.0))
    for sigma in (0.5, 5.1):
        assert torch.equal(interval(latents(), sigma), guided(1.0)(latents(), sigma))


def test_an_interval_that_is_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="sigma_low = 5"):
        guided(guidance={"kind": "interval", "w": 3.0, "sigma_low": 5.0, "sigma_high": 5.0})
