"""Prompts and seeds to audio: the bundle of models that it takes, and the one function that runs them.

The same (prompt, seed, index) gives the same audio bit for bit in a batch of 1 and of 8. Two things make it so. Each
sample draws its noise from streams of its own (`noise.py`). And every call of a model sees exactly `Sampler.batch`
samples, the last call filled up with copies, because a matrix product may round differently when its shape differs;
rows of one product do not see one another.

Shape legend: N samples, B a chunk of constant length, D latent channels, T frames, C audio channels, S samples of
audio.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from padstal.core.protocols import Codec, TextEncoder, TextStates
from padstal.diffusion.checkpoint import DiffusionModel, check_belongs
from padstal.diffusion.checkpoint import load as load_diffusion
from padstal.diffusion.clips import CaptionStates
from padstal.diffusion.conditioning import Timing
from padstal.sampling.guidance import GuidedDenoiser
from padstal.sampling.noise import SampleNoise, Stream
from padstal.sampling.perturbation import Perturbation
from padstal.sampling.solvers import SOLVERS, SolverName, exponential_sigmas

Chunks = Callable[[Sequence[int]], Iterable[int]]


@dataclass(frozen=True)
class Bundle:
    """Everything that generation takes: denoiser, autoencoder and text encoder that belong together."""

    model: DiffusionModel
    autoencoder: Codec
    text_encoder: TextEncoder
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.model.config.sample_rate


@dataclass(frozen=True)
class Sampler:
    """How the ODE is solved.

    Attributes:
        solver: "ddim", "dpm2" (two evaluations a step) or "dpmpp_2m".
        steps: Noise levels.
        sigma_min: Last σ_edm before 0.
        sigma_max: First σ_edm.
        guidance: w of classifier-free guidance.
        batch: Samples of every call of a model; results do not depend on how many are asked for.
        precision: Arithmetic of the denoiser's matrix products.
    """

    solver: SolverName
    steps: int
    sigma_min: float
    sigma_max: float
    guidance: float
    batch: int
    precision: Literal["32-true", "bf16-mixed"]


def load_bundle(
    diffusion_folder: Path, vae_folder: Path, text_encoder_folder: Path, device: torch.device | str
) -> Bundle:
    """Load the three models and check that they belong together.

    Raises:
        FileNotFoundError: A model has not been trained.
        MismatchError: The denoiser was trained with another autoencoder or text encoder.
    """
    from padstal.codecs.checkpoint import load as load_vae
    from padstal.foundation.text_encoder import load as load_text_encoder

    device = torch.device(device)
    model = load_diffusion(diffusion_folder, device)
    check_belongs(model.config, vae_folder=vae_folder, text_encoder_folder=text_encoder_folder)
    return Bundle(model, load_vae(vae_folder, device), load_text_encoder(text_encoder_folder, device), device)


@torch.inference_mode()
def generate(
    bundle: Bundle,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    sampler: Sampler,
    perturbation: Perturbation | None = None,
    indices: Sequence[int] | None = None,
    seconds: Sequence[tuple[float, float]] | None = None,
    progress: Chunks = iter,
) -> np.ndarray:
    """Audio of N prompts.

    Args:
        bundle: The models.
        prompts: One a sample; "" is a prompt that says nothing.
        seeds: One a sample.
        sampler: How.
        perturbation: Setting of CADS or PADS; None is unperturbed.
        indices: Tells samples of one seed apart; 0, 1, … where nothing is given.
        seconds: (seconds_start, seconds_total) of each sample; (0, the training tracks' median) where nothing is given.
        progress: Wraps the numbers of the chunks in a progress bar.

    Returns:
        [N, C, S], float32, not clipped.

    Raises:
        ValueError: Lengths differ.
    """
    indices = list(range(len(prompts))) if indices is None else list(indices)
    seconds = [(0.0, bundle.model.config.seconds_total)] * len(prompts) if seconds is None else list(seconds)
    if not len(prompts) == len(seeds) == len(indices) == len(seconds):
        raise ValueError(
            f"{len(prompts)} prompts, {len(seeds)} seeds, {len(indices)} indices, {len(seconds)} timings: "
            "expected one of each a sample"
        )
    if not prompts:
        return np.zeros(
            (0, bundle.model.config.channels, bundle.model.config.frames * bundle.model.config.ratio), np.float32
        )
    states = CaptionStates.encode(prompts, bundle.text_encoder)
    audio: list[np.ndarray] = []
    for chunk in progress(range(-(-len(prompts) // sampler.batch))):
        first = chunk * sampler.batch
        rows = [min(row, len(prompts) - 1) for row in range(first, first + sampler.batch)]  # filled up with copies
        text = states.of([prompts[row] for row in rows])
        timing = Timing.of([seconds[row][0] for row in rows], [seconds[row][1] for row in rows])
        latent_BDT = sample_latents(
            bundle.model,
            TextStates(text.states_BLD.to(bundle.device), text.mask_BL.to(bundle.device)),
            timing.to(bundle.device),
            [seeds[row] for row in rows],
            [indices[row] for row in rows],
            sampler=sampler,
            perturbation=perturbation or Perturbation(),
        )
        audio_BCS = bundle.autoencoder.decode(latent_BDT).float().cpu().numpy()
        audio.append(audio_BCS[: len(prompts) - first])
    return np.concatenate(audio)


@torch.inference_mode()
def sample_latents(
    model: DiffusionModel,
    text: TextStates,
    timing: Timing,
    seeds: list[int],
    indices: list[int],
    *,
    sampler: Sampler,
    perturbation: Perturbation,
) -> torch.Tensor:
    """Latents [B, D, T] in the autoencoder's own units, all channels generated from noise (of TAL, z_p too)."""
    device = text.states_BLD.device
    denoise = GuidedDenoiser(
        model.denoiser,
        model.denoiser.condition(text, timing),
        text.mask_BL,
        guidance=sampler.guidance,
        perturbation=perturbation,
        seeds=seeds,
        indices=indices,
        bf16=sampler.precision == "bf16-mixed",
    )
    sigmas = exponential_sigmas(sampler.steps, sampler.sigma_min, sampler.sigma_max)
    shape = (model.config.shape.latent_channels, model.config.frames)
    noise_BDT = SampleNoise(seeds, indices, Stream.LATENT).draw(shape, device)
    latent_BDT = SOLVERS[sampler.solver](denoise, noise_BDT * sigmas[0], sigmas)
    return model.statistics.denormalise(latent_BDT)


@dataclass(frozen=True)
class ConditioningScale:
    """What a strength s is to be read against.

    Attributes:
        padding_share: Share of text rows that are padding, mean over prompts.
        salient_rms: Root mean square of the embedded rows of real tokens, where the noise is added.
    """

    padding_share: float
    salient_rms: float


@torch.inference_mode()
def conditioning_scale(bundle: Bundle, prompts: Sequence[str]) -> ConditioningScale:
    """Scale of the conditioning of `prompts` at the place where CADS and PADS act."""
    text = CaptionStates.encode(prompts, bundle.text_encoder).of(prompts)
    mask_BL = text.mask_BL.to(bundle.device)
    rows_BLD = text.states_BLD.to(bundle.device) * mask_BL.unsqueeze(-1)
    salient = bundle.model.denoiser.dit.embed_conditioning(rows_BLD)[mask_BL]
    return ConditioningScale(1 - float(mask_BL.float().mean()), float(salient.square().mean().sqrt()))
