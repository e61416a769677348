"""A step on fake tensors asks for the memory that the same step on real ones gets."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from itertools import accumulate
from typing import Any

import pytest
from torch.profiler import ProfilerActivity, profile

from padstal.codecs import rehearsal as codecs
from padstal.codecs.config import AudioVaeParams, CropForm
from padstal.diffusion import rehearsal as diffusion
from padstal.diffusion.config import DenoiserParams
from padstal.training.averaging import average_of
from padstal.training.config import TrainConfig
from padstal.training.memory import Ledger, StepMemory, _step, step_memory

TRAINING: dict[str, Any] = {
    "steps": 10, "batch": 4, "learning_rate": 1e-3, "rate": {"kind": "constant", "warmup_steps": 0},
    "weight_decay": 0.0, "clip": 1.0, "ema_decay": 0.9, "precision": "32-true", "seed": 0, "log_every": 1,
    "validate_every": 1, "validation_clips": 2, "checkpoint_every": 1,
}  # fmt: skip
TEXT = (8, 16)


def denoiser(**training: Any) -> tuple[Callable[[], Any], TrainConfig]:
    params = DenoiserParams.model_validate(
        {
            "form": {
                "conditioner": {"kind": "text_timing"},
                "backbone": {"kind": "dit", "width": 64, "depth": 3, "heads": 4, "cross_heads": 2, "feed_forward": 4},
                "schedule": {"kind": "cosine"},
                "prediction": {"kind": "v"},
            },
            "objective": {"kind": "mse"},
            "dropout": 0.1,
            "training": {**TRAINING, **training},
        }
    )
    config = params.training
    return lambda: diffusion.rehearsal(params, (6, 128), TEXT, config.batch // config.accumulate), config


def autoencoder(**training: Any) -> tuple[Callable[[], Any], TrainConfig]:
    rate = TRAINING["rate"]
    params = AudioVaeParams.model_validate(
        {
            "codec": {
                "kind": "audio_vae",
                "latent_channels": 4,
                "backbone": {"kind": "oobleck", "width": 8, "multiples": [1, 2], "strides": [4, 4]},
            },
            "mrstft": {"fft_sizes": [256, 64], "a_weighting": True},
            "weights": {"adversarial": 0.1, "feature_matching": 1.0, "mrstft": 1.0, "waveform": 0.0, "kl": 1e-4},
            "discriminator": {
                "network": {"kind": "stft", "fft_sizes": [128], "filters": 4}, "loss": "hinge", "start": 0,
                "frames": 256, "learning_rate": 1e-3, "rate": rate, "clip": 1.0,
            },
            "training": {**TRAINING, "crop_frames": 256, **training},
        }
    )  # fmt: skip
    form = CropForm(sample_rate=8000, channels=2, frames=256, text=None)
    return lambda: codecs.rehearsal(params, form, params.training.batch), params.training


@cache
def asked_of(training: Callable[..., tuple[Callable[[], Any], TrainConfig]], **changes: Any) -> StepMemory:
    return step_memory(*training(**changes))


def real_peak(task_of: Callable[[], Any], config: TrainConfig) -> int:
    """Bytes, as the CPU's allocator says."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        task, batches = task_of()
        average = average_of(task.networks[task.averaged].module)
        optimisers = {name: network.optimiser.over(network.module) for name, network in task.networks.items()}
        for batch in (*batches, *batches):
            _step(task, batch, config, average, optimisers, Ledger())
    events: Any = seen.profiler
    changes = [one for one in events.kineto_results.events() if one.name() == "[memory]"]
    return max(accumulate(one.nbytes() for one in sorted(changes, key=lambda one: one.start_ns())))


@pytest.mark.slow
@pytest.mark.parametrize("training", [denoiser, autoencoder], ids=["denoiser", "autoencoder"])
def test_the_peak_is_what_the_allocator_gives(training: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padstal.diffusion.task.attention_kernel", lambda device: nullcontext())  # as on a GPU
    asked = step_memory(*training())
    assert asked.peak == pytest.approx(real_peak(*training()), rel=0.05)
    assert asked.weights + asked.average + asked.optimiser + asked.activations <= asked.peak


def test_weights_average_and_moments_are_counted_to_the_block() -> None:
    task_of, config = denoiser()
    weights = list(task_of()[0].networks["denoiser"].module.parameters())
    found = step_memory(task_of, config)
    blocks = sum(-(-4 * weight.numel() // 512) * 512 for weight in weights)
    assert blocks <= found.average <= found.weights <= blocks + 512 * 2
    assert found.gradients == blocks
    assert found.optimiser == 2 * blocks + 512 * len(weights)  # and a counter each


@pytest.mark.slow
def test_half_precision_halves_what_products_keep_and_norms_keep_float32() -> None:
    assert TRAINING["precision"] == "32-true"
    whole, half = asked_of(denoiser).activations, asked_of(denoiser, precision="bf16-mixed").activations
    assert 0.5 * whole < half < 0.8 * whole


@pytest.mark.slow
def test_micro_batches_divide_activations() -> None:
    one, two = asked_of(denoiser).activations, asked_of(denoiser, accumulate=2).activations
    assert two == pytest.approx(one / 2, rel=0.1)


@pytest.mark.slow
def test_checkpointed_activations_cost_a_fraction() -> None:
    for training in (denoiser, autoencoder):
        without, within = asked_of(training).activations, asked_of(training, checkpoint_activations=True).activations
        assert within < 0.7 * without
