"""QA-MDT's guidance: its two conventions, its negatives, and what its branches are told."""

from typing import Any

import pytest
import torch
from tests.diffusion.fakes import WIDTH, FakeTextEncoder, setting

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.sampling.batching import batches
from padstal.sampling.generate import told_of
from padstal.sampling.guided_denoiser import GuidedDenoiser

FORM = DenoiserForm.model_validate(
    {
        "conditioner": {"kind": "text", "quality": True},
        "backbone": {
            "kind": "mdt", "patch": [2, 2], "overlap": [0, 0], "width": 32, "heads": 4, "encoder_blocks": 2,
            "decoder_blocks": 1, "feed_forward": 2, "positions": "rope2d", "padding": "masked",
        },
        "schedule": {"kind": "betas", "first": 0.0015, "last": 0.0195},
        "prediction": {"kind": "epsilon"},
    }
)  # fmt: skip
SHAPE = (2, 6, 4)
PROMPTS = ["jazz", "slow rock"]
ENCODER = FakeTextEncoder()


def denoiser() -> Denoiser:
    torch.manual_seed(0)
    made = Denoiser(FORM, SHAPE, WIDTH)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made.eval().requires_grad_(False)


DENOISER = denoiser()


def told(guidance: dict[str, Any], prompts: list[str] = PROMPTS, level: float = 5.0) -> dict[str, Conditioning]:
    how = setting(guidance=guidance)
    attributes = {"quality": torch.full((len(prompts),), level)}
    return told_of(DENOISER, ENCODER.encode(prompts), attributes, how.guidance, ENCODER)


def denoised(guidance: dict[str, Any], prompts: list[str] = PROMPTS, level: float = 5.0) -> torch.Tensor:
    (batch,) = batches(prompts, [1] * len(prompts), range(len(prompts)), len(prompts))
    denoise = GuidedDenoiser(DENOISER, told(guidance, prompts, level), batch, setting(guidance=guidance))
    latent = torch.randn(len(prompts), *SHAPE, generator=torch.Generator().manual_seed(0))
    return denoise(2.0 * latent, 2.0)


def test_w_0_of_the_paper_is_the_conditional_model() -> None:
    plain = denoised({"kind": "cfg", "w": 1.0})
    assert torch.equal(denoised({"kind": "quality", "w": 0.0}), plain)
    assert torch.equal(denoised({"kind": "negative_prompt", "w": 0.0}), plain)


@pytest.mark.parametrize("w", [0.5, 2.5])
def test_the_codes_w_is_the_papers_plus_1(w: float) -> None:
    paper = denoised({"kind": "quality", "w": w, "low": 3.0})
    code = denoised({"kind": "quality_released", "w": w + 1, "low": 3.0})
    torch.testing.assert_close(paper, code, rtol=1e-4, atol=1e-4)


def test_the_branch_without_text_ignores_the_prompt_bit_for_bit_and_has_the_lowest_level() -> None:
    one, two = (told({"kind": "quality", "w": 2.0}, [prompt])["negative"] for prompt in ("jazz", "something longer"))
    assert torch.equal(one.text_BLC, two.text_BLC)
    assert torch.equal(one.mask_BL, two.mask_BL)
    assert one.mask_BL.sum() == 1
    assert one.others["quality"].tolist() == [1.0]


def test_the_released_code_holds_the_level_at_3_and_plain_guidance_keeps_it() -> None:
    assert told({"kind": "quality_released", "w": 2.0})["negative"].others["quality"].tolist() == [3.0, 3.0]
    assert told({"kind": "cfg", "w": 2.0})["uncond"].others["quality"].tolist() == [5.0, 5.0]


def test_the_negative_prompt_is_told_as_a_prompt_with_the_same_level() -> None:
    negative = told({"kind": "negative_prompt", "w": 2.0, "prompt": "low quality"})["negative"]
    asked = told({"kind": "cfg", "w": 1.0}, ["low quality"] * 2)["cond"]
    assert torch.equal(negative.text_BLC, asked.text_BLC)
    assert torch.equal(negative.mask_BL, asked.mask_BL)
    assert negative.others["quality"].tolist() == [5.0, 5.0]


def test_the_level_alters_what_is_made() -> None:
    low, high = (denoised({"kind": "cfg", "w": 1.0}, level=level) for level in (1.0, 5.0))
    assert not torch.allclose(low, high, atol=1e-4)
