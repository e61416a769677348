"""Prompts and seeds to audio: one function for every system, and the loop from noise to latents that systems share.

The same (prompt, seed, index) gives the same audio bit for bit in a batch of 1 and of 8: each sample draws its noise
from streams of its own (`noise.py`), and every call of a model has the same shape (`batching.py`). Methods that couple
samples on purpose are the exception: there a sample depends on the others of its prompt.

Shape legend: N samples, B a batch of constant length, D latent channels; C audio channels, S samples of audio.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
import torch

from padstal.core.protocols import Conditioning, TextStates
from padstal.diffusion.clips import CaptionStates
from padstal.diffusion.conditioning import Timing
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling.batching import Batch, batches
from padstal.sampling.guided_denoiser import GuidedDenoiser
from padstal.sampling.noise import SampleNoise, Stream
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.setting import Setting
from padstal.sampling.system import System

Precision = Literal["32-true", "bf16-mixed"]


@torch.inference_mode()
def generate(
    system: System,
    prompts: Sequence[str],
    seeds: Sequence[int],
    setting: Setting,
    *,
    batch: int,
    precision: Precision,
    indices: Sequence[int] | None = None,
    seconds: Sequence[tuple[float, float]] | None = None,
    progress: Callable[[Sequence[Batch]], Iterable[Batch]] = iter,
) -> np.ndarray:
    """Audio of N prompts.

    Args:
        system: The models.
        prompts: One a sample; "" is a prompt that says nothing.
        seeds: One a sample.
        setting: How.
        batch: Samples of every call of a model; results do not depend on how many are asked for.
        precision: Arithmetic of the denoisers' matrix products.
        indices: Tells samples of one seed apart; 0, 1, … where nothing is given.
        seconds: (seconds_start, seconds_total) of each sample; (0, the training tracks' median) where nothing is given.
        progress: Wraps the batches in a progress bar.

    Returns:
        [N, C, S], float32, not clipped.

    Raises:
        ValueError: Lengths differ, or a prompt has more samples than `batch` and the method couples them.
    """
    indices = list(range(len(prompts))) if indices is None else list(indices)
    seconds = [(0.0, system.seconds_total)] * len(prompts) if seconds is None else list(seconds)
    if not len(prompts) == len(seeds) == len(indices) == len(seconds):
        raise ValueError(
            f"{len(prompts)} prompts, {len(seeds)} seeds, {len(indices)} indices, {len(seconds)} timings: "
            "expected one of each a sample"
        )
    audio_NCS = np.zeros((len(prompts), system.channels, system.samples), np.float32)
    if not prompts:
        return audio_NCS
    states = CaptionStates.encode(prompts, system.text_encoder)
    for part in progress(batches(prompts, seeds, indices, batch, couples=setting.method.couples)):
        text = states.of(part.prompts)
        timing = Timing.of([seconds[row][0] for row in part.rows], [seconds[row][1] for row in part.rows])
        audio_BCS = system.sample(
            TextStates(text.states_BLD.to(system.device), text.mask_BL.to(system.device)),
            timing.to(system.device),
            part,
            setting,
            bf16=precision == "bf16-mixed",
        )
        audio_NCS[list(part.rows[: part.own])] = audio_BCS[: part.own].float().cpu().numpy()
    return audio_NCS


@torch.inference_mode()
def sample_latents(
    denoiser: Denoiser, conditioning: Conditioning, batch: Batch, setting: Setting, *, bf16: bool
) -> torch.Tensor:
    """Standardised latents [B, D, …], all channels generated from noise (of TAL, z_p too).

    Args:
        denoiser: In eval mode.
        conditioning: Of the batch's samples.
        batch: The samples.
        setting: Method, guidance, solver and noise levels.
        bf16: Matrix products in bfloat16.
    """
    device = conditioning.text_BLC.device
    denoise = GuidedDenoiser(denoiser, conditioning, batch, setting, bf16=bf16)
    sigmas = exponential_sigmas(setting.steps, setting.sigma_min, setting.sigma_max)
    first = SampleNoise(batch.seeds, batch.indices, Stream.LATENT).draw(denoiser.latent_shape, device)
    later = SampleNoise(batch.seeds, batch.indices, Stream.SOLVER)
    return setting.solver.solve(
        denoise, first * sigmas[0], sigmas, lambda: later.draw(denoiser.latent_shape, device), iter
    )
