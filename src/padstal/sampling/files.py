"""Generated audio as files for people."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from padstal.sampling.generate import Bundle, Chunks, Sampler, generate
from padstal.sampling.perturbation import Perturbation


def generate_files(
    bundle: Bundle,
    prompt: str,
    count: int,
    *,
    seed: int,
    out: Path,
    sampler: Sampler,
    perturbation: Perturbation | None = None,
    seconds: tuple[float, float] | None = None,
    progress: Chunks = iter,
) -> list[Path]:
    """Generate `count` takes of one prompt and write each as `out/<seed>-<index>.wav` (16 bit).

    Take i depends on (prompt, seed, i) and the setting, not on `count`.

    Returns:
        The files, in order.
    """
    import soundfile

    takes: Sequence[int] = range(count)
    audio_NCS = generate(
        bundle,
        [prompt] * count,
        [seed] * count,
        sampler=sampler,
        perturbation=perturbation,
        indices=takes,
        seconds=None if seconds is None else [seconds] * count,
        progress=progress,
    )
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{seed}-{take:03d}.wav" for take in takes]
    for path, pcm_SC in zip(paths, to_pcm(audio_NCS), strict=True):
        soundfile.write(path, pcm_SC, bundle.sample_rate, subtype="PCM_16")
    return paths


def to_pcm(audio_NCS: np.ndarray) -> np.ndarray:
    """int16 [N, S, C] of float audio [N, C, S]; what lies beyond ±1 is clipped."""
    return np.round(np.clip(audio_NCS, -1.0, 32767 / 32768) * 32768.0).astype(np.int16).transpose(0, 2, 1)
