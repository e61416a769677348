from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.diffusion.fakes import FRAMES, RATIO, SHAPE, FakeAutoencoder, FakeTextEncoder, model

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling.files import to_pcm
from padstal.sampling.generate import Bundle, Sampler, generate
from padstal.sampling.perturbation import Perturbation

BUNDLE = Bundle(model(), FakeAutoencoder(), FakeTextEncoder(), torch.device("cpu"))
SAMPLER = Sampler("dpmpp_2m", 5, 0.03, 100.0, guidance=3.0, batch=8, precision="32-true")
PADS = Perturbation(mode="pads", strength=0.6, tau1=0.3, tau2=0.9)
CADS = Perturbation(mode="cads", strength=0.6, tau1=0.3, tau2=0.9, rescale=1.0)
PROMPTS = ["jazz", "slow rock", "x" * 40, "", "techno", "jazz", "piano", "a"]


def audio(count: int = 8, perturbation: Perturbation | None = None, sampler: Sampler = SAMPLER) -> np.ndarray:
    return generate(BUNDLE, PROMPTS[:count], [3] * count, sampler=sampler, perturbation=perturbation)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("perturbation", [None, PADS, CADS])
def test_a_batch_of_1_and_of_8_give_the_same_audio_bit_for_bit(
    precision: str, perturbation: Perturbation | None
) -> None:
    sampler = replace(SAMPLER, precision=precision)  # type: ignore[arg-type]
    together = audio(8, perturbation, sampler)
    for number in (0, 3, 7):
        alone = generate(BUNDLE, [PROMPTS[number]], [3], sampler=sampler, perturbation=perturbation, indices=[number])
        assert np.array_equal(alone[0], together[number])


def test_the_same_seed_gives_the_same_audio_whatever_was_drawn_before() -> None:
    first = audio()
    torch.manual_seed(99)
    torch.randn(7)
    assert np.array_equal(first, audio())


def test_pads_of_strength_0_equals_unperturbed_bit_for_bit() -> None:
    assert np.array_equal(audio(), audio(perturbation=replace(PADS, strength=0.0)))


def test_pads_of_a_full_length_prompt_equals_unperturbed_bit_for_bit() -> None:
    same = (audio() == audio(perturbation=PADS)).all(axis=(1, 2))
    assert same.tolist() == [len(prompt) > 15 for prompt in PROMPTS]


def test_perturbation_leaves_the_starting_noise_alone() -> None:
    # untrained blocks are identities, so what the denoiser is told does not reach its answer
    deaf = replace(BUNDLE, model=replace(BUNDLE.model, denoiser=Denoiser(SHAPE).eval()))
    quiet = generate(deaf, PROMPTS, [3] * 8, sampler=SAMPLER)
    assert quiet.any()
    assert np.array_equal(quiet, generate(deaf, PROMPTS, [3] * 8, sampler=SAMPLER, perturbation=CADS))


def test_another_seed_or_index_gives_other_audio() -> None:
    base = generate(BUNDLE, ["jazz"], [3], sampler=SAMPLER, indices=[0])
    assert not np.array_equal(base, generate(BUNDLE, ["jazz"], [4], sampler=SAMPLER, indices=[0]))
    assert not np.array_equal(base, generate(BUNDLE, ["jazz"], [3], sampler=SAMPLER, indices=[1]))


def test_second_order_solver_draws_noise_twice_a_step() -> None:
    twice = replace(SAMPLER, solver="dpm2")
    assert not np.array_equal(audio(2, PADS, twice), audio(2, None, twice))
    assert np.array_equal(audio(2, PADS, twice), audio(2, PADS, twice))


def test_latents_are_destandardised_before_decoding() -> None:
    shifted = replace(
        BUNDLE,
        model=replace(
            BUNDLE.model,
            statistics=LatentStatistics(BUNDLE.model.statistics.mean_D + 8, BUNDLE.model.statistics.std_D),
        ),
    )
    moved = generate(shifted, ["jazz"], [3], sampler=SAMPLER) - generate(BUNDLE, ["jazz"], [3], sampler=SAMPLER)
    assert np.allclose(moved, 1.0, atol=1e-5)  # the fake decoder divides by 8


def test_audio_is_float32_of_the_trained_length() -> None:
    assert audio(3).shape == (3, 1, FRAMES * RATIO)
    assert audio(3).dtype == np.float32
    assert audio(0).shape == (0, 1, FRAMES * RATIO)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 prompts, 1 seeds"):
        generate(BUNDLE, ["a", "b"], [1], sampler=SAMPLER)


def test_pcm_clips_and_keeps_int16_exactly() -> None:
    values = np.array([[[-2.0, -1.0, 0.0, 0.5, 32767 / 32768, 3.0]]], dtype=np.float32)
    assert to_pcm(values)[0, :, 0].tolist() == [-32768, -32768, 0, 16384, 32767, 32767]
