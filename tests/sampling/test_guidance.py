import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, POSITIONS, WIDTH, FakeTextEncoder, random_denoiser

from padstal.diffusion.conditioning import Conditioning, Timing
from padstal.diffusion.schedule import time_of
from padstal.sampling.guidance import GuidedDenoiser
from padstal.sampling.perturbation import Perturbation

PROMPTS = ["jazz", "slow rock", "x" * 40]
DENOISER = random_denoiser()


def guided(
    guidance: float = 3.0, perturbation: Perturbation | None = None, prompts: list[str] = PROMPTS
) -> GuidedDenoiser:
    text = FakeTextEncoder().encode(prompts)
    conditioning = DENOISER.condition(text, Timing.of([0.0] * len(prompts), [18.0] * len(prompts)))
    return GuidedDenoiser(
        DENOISER,
        conditioning,
        text.mask_BL,
        guidance=guidance,
        perturbation=perturbation or Perturbation(),
        seeds=[1] * len(prompts),
        indices=list(range(len(prompts))),
    )


def latents() -> torch.Tensor:
    return torch.randn(len(PROMPTS), CHANNELS, FRAMES, generator=torch.Generator().manual_seed(0))


def setting(mode: str = "pads", **changes: object) -> Perturbation:
    return Perturbation(**{"mode": mode, "strength": 0.5, "tau1": 0.2, "tau2": 0.4, **changes})  # type: ignore[arg-type]


def two_calls(t: float) -> tuple[torch.Tensor, torch.Tensor]:
    """v of the conditional and of the null branch, by the way that training goes."""
    conditioning = DENOISER.condition(FakeTextEncoder().encode(PROMPTS), Timing.of([0.0] * 3, [18.0] * 3))
    null = Conditioning(torch.zeros_like(conditioning.cross_BRC), conditioning.global_BG)
    t_B = torch.full((3,), t)
    return DENOISER(latents(), t_B, conditioning), DENOISER(latents(), t_B, null)


def test_one_batched_call_equals_two_calls() -> None:
    told, null = two_calls(0.3)
    assert torch.allclose(guided(3.0).velocity(latents(), 0.3), null + 3.0 * (told - null), atol=1e-5)


def test_guidance_one_is_the_conditional_model_and_zero_the_null_one() -> None:
    told, null = two_calls(0.3)
    assert torch.allclose(guided(1.0).velocity(latents(), 0.3), told, atol=1e-5)
    assert torch.allclose(guided(0.0).velocity(latents(), 0.3), null, atol=1e-5)


def test_the_null_branch_is_zero_on_all_cross_rows_and_keeps_the_global_conditioning() -> None:
    told, null = guided(perturbation=setting()).rows(1.0)
    assert torch.equal(null, torch.zeros_like(told))
    other = DENOISER.condition(FakeTextEncoder().encode(PROMPTS), Timing.of([9.0] * 3, [200.0] * 3))
    t_B = torch.full((3,), 0.3)
    v_other = DENOISER(latents(), t_B, Conditioning(torch.zeros_like(other.cross_BRC), other.global_BG))
    assert not torch.allclose(v_other, two_calls(0.3)[1], atol=1e-4)


@pytest.mark.parametrize("mode", ["cads", "pads"])
def test_seconds_rows_are_never_perturbed(mode: str) -> None:
    clean, _ = guided().rows(1.0)
    noisy, _ = guided(perturbation=setting(mode)).rows(1.0)
    assert torch.equal(noisy[:, POSITIONS:], clean[:, POSITIONS:])
    assert not torch.equal(noisy[:, :POSITIONS], clean[:, :POSITIONS])


def test_pads_touches_padding_alone_each_prompt_by_its_own_length() -> None:
    clean, _ = guided().rows(1.0)
    noisy, _ = guided(perturbation=setting()).rows(1.0)
    touched = (noisy != clean).any(dim=-1)[:, :POSITIONS]
    assert touched.sum(dim=1).tolist() == [POSITIONS - 5, POSITIONS - 10, 0]  # letters and </s> are kept


def test_noise_is_added_after_to_cond_embed() -> None:
    noisy, _ = guided(perturbation=setting(strength=2.0)).rows(1.0)
    padding = noisy[0, 5:POSITIONS]
    assert float(padding.std()) == pytest.approx(2.0, rel=0.15)


def test_every_evaluation_draws_fresh_noise() -> None:
    denoise = guided(perturbation=setting())
    first, _ = denoise.rows(1.0)
    second, _ = denoise.rows(1.0)
    assert not torch.equal(first[0, 5:POSITIONS], second[0, 5:POSITIONS])


def test_noise_of_a_sample_does_not_depend_on_its_batch() -> None:
    together, _ = guided(perturbation=setting("cads", rescale=1.0)).rows(1.0)
    alone, _ = guided(perturbation=setting("cads", rescale=1.0), prompts=PROMPTS[:1]).rows(1.0)
    assert torch.allclose(together[:1], alone, atol=1e-6)


def test_the_null_branch_can_share_the_noise_or_have_its_own() -> None:
    for choice, equal in (("shared", True), ("independent", False)):
        told, null = guided(perturbation=setting(perturb_uncond=choice)).rows(1.0)
        assert torch.equal(told[0, 5:POSITIONS], null[0, 5:POSITIONS]) is equal
        assert null[0, 5:POSITIONS].any()
        assert torch.equal(null[:, POSITIONS:], torch.zeros(3, 2, WIDTH))
        assert torch.equal(null[0, :5], torch.zeros(5, WIDTH))


def test_own_null_noise_leaves_the_conditional_branch_as_it_was() -> None:
    clean_null, _ = guided(perturbation=setting()).rows(1.0)
    own_null, _ = guided(perturbation=setting(perturb_uncond="independent")).rows(1.0)
    assert torch.equal(clean_null, own_null)


def test_gamma_is_asked_with_diffusion_time_not_with_sigma_or_step() -> None:
    times: list[float] = []

    class Watching(Perturbation):
        def gamma(self, t: float) -> float:
            times.append(t)
            return super().gamma(t)

    denoise = guided(perturbation=Watching(mode="pads", strength=0.5, tau1=0.2, tau2=0.4))
    denoise(latents(), 3.0777)
    assert times
    assert set(times) == {time_of(3.0777)}


def test_the_denoised_is_x0_of_the_guided_velocity() -> None:
    sigma = 2.0
    x = latents() * 3
    alpha = 1 / (1 + sigma**2) ** 0.5
    denoise = guided(3.0)
    v = denoise.velocity(x * alpha, time_of(sigma))
    assert torch.allclose(denoise(x, sigma), alpha * (alpha * x) - sigma * alpha * v, atol=1e-5)


def test_a_mask_of_another_batch_is_refused() -> None:
    text = FakeTextEncoder().encode(PROMPTS)
    conditioning = DENOISER.condition(text, Timing.of([0.0] * 3, [18.0] * 3))
    with pytest.raises(ValueError, match=r"mask \(6, 16\): expected \(3, 16\)"):
        GuidedDenoiser(
            DENOISER,
            conditioning,
            torch.cat([text.mask_BL, text.mask_BL]),
            guidance=3.0,
            perturbation=setting(),
            seeds=[0] * 3,
            indices=[0, 1, 2],
        )


def test_a_denoiser_in_training_mode_is_refused() -> None:
    denoiser = random_denoiser().train()
    text = FakeTextEncoder().encode(PROMPTS)
    with pytest.raises(ValueError, match="training mode"):
        GuidedDenoiser(
            denoiser,
            denoiser.condition(text, Timing.of([0.0] * 3, [18.0] * 3)),
            text.mask_BL,
            guidance=1.0,
            perturbation=Perturbation(),
            seeds=[0] * 3,
            indices=[0, 1, 2],
        )
