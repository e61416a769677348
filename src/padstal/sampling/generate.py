"""Prompts and seeds to audio: one function for every system, and the loop from noise to latents that systems share.

The same (prompt, seed, index) gives the same audio bit for bit in a batch of 1 and of 8: each sample draws its noise
from streams of its own (`noise.py`), and every call of a model has the same shape (`batching.py`). Methods that couple
samples on purpose are the exception: there a sample depends on the others of its prompt.

Shape legend: N samples, B a batch of constant length, D latent channels; C audio channels, S samples of audio.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
import torch

from padstal.core.protocols import Attributes, Conditioning, Guidance, TextEncoder, TextStates
from padstal.diffusion.clips import CaptionStates
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling.batching import Batch, batches
from padstal.sampling.guided_denoiser import GuidedDenoiser
from padstal.sampling.noise import SampleNoise, Stream
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.setting import Setting
from padstal.sampling.system import System

Precision = Literal["32-true", "bf16-mixed"]
BATCHES_ENCODED = 32
"""Batches whose texts are encoded together: a prompt's text once, and never all prompts' at a time."""


def generate(system: System, prompts: Sequence[str], *args: Any, **how: Any) -> np.ndarray:
    """Audio of N prompts as one array [N, C, S]; else as `generate_batches`."""
    audio_NCS = np.zeros((len(prompts), system.channels, system.samples), np.float32)
    for rows, audio_BCS in generate_batches(system, prompts, *args, **how):
        audio_NCS[rows] = audio_BCS
    return audio_NCS


@torch.inference_mode()
def generate_batches(
    system: System,
    prompts: Sequence[str],
    seeds: Sequence[int],
    setting: Setting,
    *,
    batch: int,
    precision: Precision,
    indices: Sequence[int] | None = None,
    attributes: Mapping[str, Sequence[float]] | None = None,
    progress: Callable[[Sequence[Batch]], Iterable[Batch]] = iter,
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Audio of N prompts, batch by batch.

    Args:
        system: The models.
        prompts: One a sample; "" is a prompt that says nothing.
        seeds: One a sample.
        setting: How.
        batch: Samples of every call of a model; results do not depend on how many are asked for.
        precision: Arithmetic of the denoisers' matrix products.
        indices: Tells samples of one seed apart; 0, 1, … where nothing is given.
        attributes: What is known of each sample besides its prompt, by name; the setting's values win over these, and
            these over the system's own.
        progress: Wraps the batches in a progress bar.

    Yields:
        Which of the N a batch holds, and their audio [B, C, S], float32, not clipped.

    Raises:
        ValueError: Lengths differ, a prompt has more samples than `batch` and the method couples them, or an attribute
            is none that the system is told, or has a value that cannot be.
    """
    indices = list(range(len(prompts))) if indices is None else list(indices)
    strange = set(setting.attributes) - set(system.attributes)
    if strange:
        there = ", ".join(system.attributes)
        raise ValueError(f"attribute {', '.join(sorted(strange))}: the system {system.name} is told {there}")
    setting = system.nearest(setting)
    known = {name: [usual] * len(prompts) for name, usual in system.attributes.items()}
    known |= {name: list(own) for name, own in (attributes or {}).items() if name in known}
    known |= {name: [asked] * len(prompts) for name, asked in setting.attributes.items()}
    for name, own in {"seeds": seeds, "indices": indices, **known}.items():
        if len(own) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts, {len(own)} {name}: expected one of each a sample")
    texts = system.texts(prompts, known)
    parts = batches(prompts, seeds, indices, batch, couples=setting.method.couples)
    for number, part in enumerate(progress(parts)):
        if number % BATCHES_ENCODED == 0:
            coming = chain.from_iterable(other.rows for other in parts[number : number + BATCHES_ENCODED])
            states = CaptionStates.encode((texts[row] for row in coming), system.text_encoder)
        text = states.of([texts[row] for row in part.rows])
        audio_BCS = system.sample(
            TextStates(text.states_BLD.to(system.device), text.mask_BL.to(system.device)),
            {name: torch.tensor([own[row] for row in part.rows]).to(system.device) for name, own in known.items()},
            part,
            setting,
            bf16=precision == "bf16-mixed",
        )
        yield list(part.rows[: part.own]), audio_BCS[: part.own].float().cpu().numpy()


@torch.inference_mode()
def sample_latents(
    denoiser: Denoiser,
    told: Mapping[str, Conditioning],
    batch: Batch,
    setting: Setting,
    *,
    weak: Denoiser | None,
    place: int,
    bf16: bool,
    frames: int | None = None,
) -> torch.Tensor:
    """Standardised latents [B, D, …], all that the denoiser generates (of TAL, z_p too).

    Args:
        denoiser: In eval mode.
        told: What each branch of the guidance is told of the batch's samples (`told_of`).
        batch: The samples.
        setting: Method, guidance, solver and noise levels.
        weak: What guidance's weak branch asks.
        place: Of the denoiser in its system, whose noise is its own.
        bf16: Matrix products in bfloat16.
        frames: Of the latents; None for as many as it learnt.
    """
    device = told["cond"].text_BLC.device
    denoise = GuidedDenoiser(denoiser, told, batch, setting, weak=weak, place=place, bf16=bf16)
    sigmas = exponential_sigmas(setting.steps, setting.sigma_min, setting.sigma_max)
    channels, learnt, *others = denoiser.latent_shape
    shape = (channels, frames or learnt, *others)
    first = SampleNoise(batch.seeds, batch.indices, Stream.LATENT, place).draw(shape, device)
    later = SampleNoise(batch.seeds, batch.indices, Stream.SOLVER, place)
    return setting.solver.solve(denoise, first * sigmas[0], sigmas, lambda: later.draw(shape, device))


def told_of(
    denoiser: Denoiser,
    text: TextStates,
    attributes: Attributes,
    guidance: Guidance,
    encoder: TextEncoder,
    lower_BE: torch.Tensor | None = None,
    weak: Denoiser | None = None,
) -> dict[str, Conditioning]:
    """What each branch of `guidance` is told of B samples with this text, these attributes and this lower latent.

    A weak branch is told by the network `weak`, whose own embeddings it reads.
    """
    told = {"cond": denoiser.condition(text, attributes, lower_BE)}
    for name, branch in guidance.told.items():
        if branch.weak:
            assert weak is not None  # `LatentSystem.check`
            told[name] = weak.condition(text, attributes, lower_BE)
            continue
        own_text = text
        if branch.text is not None:
            own = encoder.encode([branch.text])
            count = len(text.mask_BL)
            own_text = TextStates(own.states_BLD.expand(count, -1, -1), own.mask_BL.expand(count, -1))
        changed = {key: torch.full_like(attributes[key], one) for key, one in branch.attributes.items()}
        conditioning = denoiser.condition(own_text, {**attributes, **changed}, lower_BE)
        told[name] = denoiser.null(conditioning) if branch.text is None else conditioning
    return told
