from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.diffusion.fakes import FakeTextEncoder, model, random_denoiser, setting, system

from padstal.diffusion.checkpoint import load_kept, save
from padstal.sampling.batching import batches
from padstal.sampling.generate import generate, sample_latents, told_of
from padstal.training.config import KEPT

PROMPTS = ["jazz", "slow rock"]
WEAK = random_denoiser(seed=7)


def sampled(w: float = 3.0, kind: str = "autoguidance", weak: object = WEAK, method: str = "none") -> np.ndarray:
    playing = system()
    playing = replace(playing, stages=(replace(playing.stages[0], weak=weak),))
    how = setting(method, guidance={"kind": kind, "w": w})
    playing.check([how])
    return generate(playing, PROMPTS, [1, 2], how, batch=2, precision="32-true")


def test_at_one_and_away_from_itself_it_is_the_model_alone() -> None:
    alone = sampled(1.0)
    assert np.array_equal(alone, sampled(1.0, kind="cfg"))
    assert np.allclose(sampled(3.0, weak=model().denoiser), alone, atol=1e-4)
    assert not np.allclose(sampled(3.0), alone, atol=1e-2)


def test_at_zero_it_is_the_weak_model_perturbed_as_the_strong_one_would_be() -> None:
    for method in ("none", "pads", "cads"):
        how = setting(method, w=1.0)
        text = FakeTextEncoder().encode(PROMPTS)
        attributes = {"seconds_start": torch.zeros(2), "seconds_total": torch.full((2,), 18.0)}
        told = told_of(WEAK, text, attributes, how.guidance, FakeTextEncoder())
        (batch,) = batches(PROMPTS, [1, 2], [0, 1], 2)
        own = system().decode(sample_latents(WEAK, told, batch, how, weak=None, place=0, bf16=False))
        assert np.allclose(sampled(0.0, method=method), own.numpy(), atol=1e-4)


def test_without_a_weak_model_it_is_refused_before_anything_is_sampled() -> None:
    with pytest.raises(ValueError, match=r"system tal_dit has no weak model; expected systems\.tal_dit\.weak_step"):
        sampled(weak=None)


def test_the_weak_model_is_what_training_kept_of_that_step(tmp_path: Path) -> None:
    trained = model()
    save(tmp_path, trained.denoiser, trained.statistics, trained.config)
    (tmp_path / KEPT).mkdir()
    save_file(dict(WEAK.state_dict()), tmp_path / KEPT / "300.safetensors")
    found = load_kept(tmp_path, 300, "cpu")
    assert not found.training
    assert all(torch.equal(own, WEAK.state_dict()[name]) for name, own in found.state_dict().items())
    with pytest.raises(FileNotFoundError, match=r"200\.safetensors: not found; weights were kept at steps: 300"):
        load_kept(tmp_path, 200, "cpu")
