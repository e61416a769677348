"""Padding codes: what they touch, what a denoiser learns of them, and how sampling tells it one."""

from functools import partial
from typing import Any

import pytest
import torch
from tests.diffusion.fakes import FORM, LATENT_SHAPE, WIDTH, FakeTextEncoder, random_denoiser, setting, system

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.objective import denoising_loss
from padstal.diffusion.padding_codes import PaddingCodes
from padstal.sampling.batching import batches
from padstal.sampling.guided_denoiser import GuidedDenoiser

CODES = PaddingCodes(rows=2, scale=0.6, share=0.5, jitter=0.1)
WITH_CODES = FORM.model_copy(update={"padding_codes": CODES})
PROMPTS = ["jazz", "slow rock", "x" * 40]  # the last leaves no padding
BOTH = ("cond", "uncond")


def told(denoiser: Denoiser, prompts: list[str]) -> Conditioning:
    count = len(prompts)
    times = {"seconds_start": torch.zeros(count), "seconds_total": torch.full((count,), 18.0)}
    return denoiser.condition(FakeTextEncoder().encode(prompts), times)


def test_a_code_is_its_clips_own_at_every_use() -> None:
    codes_BRC = CODES.of_clips(["a", "b", "a"], 500)
    assert codes_BRC.shape == (3, 2, 500)
    assert torch.equal(codes_BRC[0], codes_BRC[2])
    assert float(torch.corrcoef(codes_BRC[:2].flatten(1))[0, 1]) == pytest.approx(0, abs=0.15)
    assert float(codes_BRC.std()) == pytest.approx(1, abs=0.1)


def test_a_code_is_repeated_over_the_padding_and_real_rows_keep_every_bit() -> None:
    denoiser = random_denoiser(form=WITH_CODES)
    embedded = denoiser.embed(told(denoiser, PROMPTS))
    code_BRC = CODES.of_clips(["a", "b", "c"], embedded.text_BLC.shape[2])
    coded = CODES.on(embedded, code_BRC)
    real_BL = embedded.mask_BL
    assert torch.equal(coded.text_BLC[real_BL], embedded.text_BLC[real_BL])
    added_BLC = (coded.text_BLC - embedded.text_BLC)[0]
    assert torch.allclose(added_BLC[6], 0.6 * code_BRC[0, 0], atol=1e-6)
    assert torch.allclose(added_BLC[7], 0.6 * code_BRC[0, 1], atol=1e-6)
    assert torch.allclose(added_BLC[8], added_BLC[6], atol=1e-6)


def loss(denoiser: Denoiser, x0: torch.Tensor, conditioning: Conditioning, seed: int, **more: Any) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return denoising_loss(denoiser, x0, conditioning, **{"dropout": 0.0, "generator": draw, **more})


def test_the_null_branch_is_told_no_code() -> None:
    denoiser = random_denoiser(form=WITH_CODES)
    x0, conditioning = torch.randn(3, *LATENT_SHAPE), told(denoiser, PROMPTS)
    coded = partial(loss, denoiser, x0, conditioning, 0, code_of=partial(CODES.of_clips, ["a", "b", "c"]))
    plain = partial(loss, denoiser, x0, conditioning, 0)
    assert float(coded(dropout=1.0)) == float(plain(dropout=1.0))
    assert float(coded()) != float(plain())


@pytest.mark.slow
def test_a_denoiser_learns_which_clip_a_code_means() -> None:
    """Eight clips with one caption: without a code each is equally likely."""
    torch.manual_seed(0)
    denoiser = Denoiser(WITH_CODES, LATENT_SHAPE, WIDTH)
    clips = [f"clip{number}" for number in range(8)]
    x0 = torch.randn(8, *LATENT_SHAPE, generator=torch.Generator().manual_seed(1))
    optimiser = torch.optim.Adam(denoiser.parameters(), lr=3e-3)
    for step in range(200):
        optimiser.zero_grad()
        loss(denoiser, x0, told(denoiser, ["jazz"] * 8), step, code_of=partial(CODES.of_clips, clips)).backward()
        optimiser.step()

    @torch.no_grad()
    def error(names: list[str] | None) -> float:
        code_of = partial(CODES.of_clips, names) if names else None
        return float(loss(denoiser.eval(), x0, told(denoiser, ["jazz"] * 8), 999, code_of=code_of))

    assert error(clips) < 0.6 * error(clips[1:] + clips[:1])
    assert error(clips) < 0.8 * error(None)


def guided(method: dict[str, Any]) -> GuidedDenoiser:
    denoiser = random_denoiser(form=WITH_CODES)
    (batch,) = batches(PROMPTS, [1] * 3, range(3), 3)
    conditioning = told(denoiser, PROMPTS)
    return GuidedDenoiser(
        denoiser, {"cond": conditioning, "uncond": denoiser.null(conditioning)}, batch, setting(method)
    )


def test_a_sample_keeps_its_code_for_all_steps_and_the_null_branch_is_told_none() -> None:
    denoise, plain = guided({"kind": "padding_code", "strength": 1.0}), guided({"kind": "none"}).told(BOTH, 0.9)
    first, later = denoise.told(BOTH, 0.9), denoise.told(BOTH, 0.1)
    assert torch.equal(first["cond"].text_BLC, later["cond"].text_BLC)
    real_BL = first["cond"].mask_BL
    assert torch.equal(first["cond"].text_BLC[real_BL], plain["cond"].text_BLC[real_BL])
    assert torch.equal(first["uncond"].text_BLC, plain["uncond"].text_BLC)
    added_NC = (first["cond"].text_BLC - plain["cond"].text_BLC)[~real_BL]
    assert float(added_NC.std()) == pytest.approx(CODES.scale, rel=0.15)


def test_below_tau1_and_with_strength_0_a_code_changes_nothing() -> None:
    plain = guided({"kind": "none"}).told(BOTH, 0.4)["cond"].text_BLC
    for method in ({"strength": 1.0, "tau1": 0.5}, {"strength": 0.0}):
        denoise = guided({"kind": "padding_code", **method})
        assert torch.equal(denoise.told(BOTH, 0.4)["cond"].text_BLC, plain)


def test_a_denoiser_without_codes_is_named_before_anything_is_sampled() -> None:
    with pytest.raises(ValueError, match=r"tal_dit.*train_diffusion.tal_dit.form.padding_codes"):
        system().check([setting("pads"), setting({"kind": "padding_code", "strength": 1.0})])
    system().check([setting("pads"), setting("none")])
