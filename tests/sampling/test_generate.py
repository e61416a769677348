from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from tests.diffusion.fakes import FORM, FRAMES, LATENT_SHAPE, RATIO, WIDTH, setting, system

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.protocols import Group
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling import generate as generate_module
from padstal.sampling.diversity import METHODS
from padstal.sampling.diversity.unperturbed import DiversityHooks
from padstal.sampling.files import to_pcm
from padstal.sampling.generate import generate, generate_batches
from padstal.sampling.setting import Setting
from padstal.sampling.solvers import SOLVERS
from padstal.systems.latent_system import SamplingStage

SYSTEM = system()
PLAIN, PADS, CADS = setting(), setting("pads"), setting("cads")
PROMPTS = ["jazz", "slow rock", "x" * 40, "", "techno", "disco", "piano", "a"]
HOW: dict[str, Any] = {"batch": 8, "precision": "32-true"}


def audio(count: int = 8, how: Setting = PLAIN, **changes: Any) -> np.ndarray:
    return generate(SYSTEM, PROMPTS[:count], [3] * count, how, **{**HOW, **changes})


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("how", [PLAIN, PADS, CADS], ids=lambda one: one.method_name)
def test_a_batch_of_1_and_of_8_give_the_same_audio_bit_for_bit(precision: str, how: Setting) -> None:
    together = audio(8, how, precision=precision)
    for number in (0, 3, 7):
        alone = generate(SYSTEM, [PROMPTS[number]], [3], how, batch=8, precision=precision, indices=[number])  # type: ignore[arg-type]
        assert np.array_equal(alone[0], together[number])


@pytest.mark.parametrize("kind", SOLVERS.names)
def test_every_solver_gives_the_same_audio_in_any_company(kind: str) -> None:
    options = {"ddim": {"eta": 1.0}, "euler": {"churn": 3.0}}.get(kind, {})
    how = setting("pads", solver={"kind": kind, **options})
    together = audio(8, how)
    alone = generate(SYSTEM, [PROMPTS[7]], [3], how, **HOW, indices=[7])
    assert np.array_equal(alone[0], together[7])


def test_texts_are_encoded_for_some_batches_at_a_time_and_come_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    together = audio(batch=1)
    monkeypatch.setattr(generate_module, "BATCHES_ENCODED", 3)
    assert np.array_equal(audio(batch=1), together)


def test_batches_say_which_samples_they_hold_even_where_a_prompt_comes_back() -> None:
    prompts = ["jazz", "rock", "jazz", "folk", "rock"]
    whole = generate(SYSTEM, prompts, [3] * 5, PLAIN, batch=2, precision="32-true")
    parts = list(generate_batches(SYSTEM, prompts, [3] * 5, PLAIN, batch=2, precision="32-true"))
    assert [rows for rows, _ in parts] == [[0, 2], [1, 4], [3]]
    for rows, audio_BCS in parts:
        assert np.array_equal(audio_BCS, whole[rows])


def test_the_same_seed_gives_the_same_audio_whatever_was_drawn_before() -> None:
    first = audio()
    torch.manual_seed(99)
    torch.randn(7)
    assert np.array_equal(first, audio())


def test_pads_of_strength_0_equals_unperturbed_bit_for_bit() -> None:
    assert np.array_equal(audio(), audio(how=setting({"kind": "pads", "strength": 0.0, "tau1": 0.3, "tau2": 0.9})))


def test_pads_of_a_full_length_prompt_equals_unperturbed_bit_for_bit() -> None:
    same = (audio() == audio(how=PADS)).all(axis=(1, 2))
    assert same.tolist() == [len(prompt) > 15 for prompt in PROMPTS]


def test_perturbation_leaves_the_starting_noise_alone() -> None:
    # untrained blocks are identities, so what the denoiser is told does not reach its answer
    untrained = Denoiser(FORM, LATENT_SHAPE, WIDTH).eval()
    deaf = replace(SYSTEM, stages=(SamplingStage(replace(SYSTEM.trained, denoiser=untrained)),))
    quiet = generate(deaf, PROMPTS, [3] * 8, PLAIN, **HOW)
    assert quiet.any()
    assert np.array_equal(quiet, generate(deaf, PROMPTS, [3] * 8, CADS, **HOW))


def test_another_seed_or_index_gives_other_audio() -> None:
    base = generate(SYSTEM, ["jazz"], [3], PLAIN, **HOW, indices=[0])
    assert not np.array_equal(base, generate(SYSTEM, ["jazz"], [4], PLAIN, **HOW, indices=[0]))
    assert not np.array_equal(base, generate(SYSTEM, ["jazz"], [3], PLAIN, **HOW, indices=[1]))


def test_latents_are_destandardised_before_decoding() -> None:
    own = SYSTEM.trained.statistics
    moved_by_8 = replace(SYSTEM.trained, statistics=LatentStatistics(own.mean_D + 8, own.std_D))
    shifted = replace(SYSTEM, stages=(SamplingStage(moved_by_8),))
    moved = generate(shifted, ["jazz"], [3], PLAIN, **HOW) - generate(SYSTEM, ["jazz"], [3], PLAIN, **HOW)
    assert np.allclose(moved, 1.0, atol=1e-5)  # the fake decoder divides by 8


def test_audio_is_float32_of_the_trained_length() -> None:
    assert audio(3).shape == (3, 1, FRAMES * RATIO)
    assert audio(3).dtype == np.float32
    assert audio(0).shape == (0, 1, FRAMES * RATIO)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 prompts, 1 seeds"):
        generate(SYSTEM, ["a", "b"], [1], PLAIN, **HOW)


class Together(DiversityHooks):
    """A toy: all samples of a prompt become their mean, and what was seen is kept."""

    kind: Literal["together"] = "together"
    couples: ClassVar[bool] = True
    seen: ClassVar[list[Group]] = []

    def guide(self, x_ID: torch.Tensor, denoised_ID: torch.Tensor, sigma: float, group: Group) -> torch.Tensor:
        self.seen.append(group)
        return denoised_ID.mean(0, keepdim=True).expand_as(denoised_ID)


def test_a_coupling_method_sees_the_samples_of_a_prompt_and_never_a_copy() -> None:
    METHODS.add(Together)
    how = setting({"kind": "together"})
    prompts = ["jazz", "rock", "jazz", "rock", "jazz"]
    Together.seen.clear()
    made = generate(SYSTEM, prompts, [3] * 5, how, **HOW)
    assert {(one.prompt, one.indices) for one in Together.seen} == {("jazz", (0, 2, 4)), ("rock", (1, 3))}
    assert np.allclose(made[0], made[2], atol=1e-6)
    assert np.allclose(made[0], made[4], atol=1e-6)
    assert not np.allclose(made[0], made[1], atol=1e-3)
    alone = generate(SYSTEM, ["jazz"] * 3, [3] * 3, how, **HOW, indices=[0, 2, 4])
    assert np.array_equal(alone[0], made[0])  # rock, and the copies that fill the batch, made no difference


def test_a_coupling_method_refuses_a_prompt_that_does_not_fit_a_batch() -> None:
    METHODS.add(Together)
    with pytest.raises(ValueError, match="'jazz' has 9 samples, and batch = 8"):
        generate(SYSTEM, ["jazz"] * 9, [3] * 9, setting({"kind": "together"}), **HOW)
    assert generate(SYSTEM, ["jazz"] * 9, [3] * 9, PLAIN, **HOW).shape[0] == 9


def test_pcm_clips_and_keeps_int16_exactly() -> None:
    values = np.array([[[-2.0, -1.0, 0.0, 0.5, 32767 / 32768, 3.0]]], dtype=np.float32)
    assert to_pcm(values)[0, :, 0].tolist() == [-32768, -32768, 0, 16384, 32767, 32767]
