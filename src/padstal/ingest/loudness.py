"""Integrated loudness (ITU-R BS.1770-4): K-weighting, 400 ms blocks with 75 % overlap, two gates.

(1)  l_j = −0.691 + 10 log₁₀ Σ_c z_cj        z_cj: mean square of block j, channel c, after K-weighting
(2)  integrated = (1) of the mean z over blocks with l_j > −70 and l_j > Γ; Γ is (1) of those above −70, less 10 LU
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

BLOCK_SECONDS = 0.4
OVERLAP = 4
"""Blocks start every `BLOCK_SECONDS / OVERLAP`."""
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = 10.0
MEMORY_SECONDS = 0.4
"""After so long, less than double precision is left of what the K filter remembers: its slowest pole decays as
e^(−2π · 38 Hz · t)."""


@dataclass(frozen=True)
class Powers:
    """Of audio that was filtered once.

    Attributes:
        stretches: K-weighted mean square, summed over channels, of every 100 ms of each stretch asked for.
        peak: Largest magnitude of the audio as it is.
    """

    stretches: list[np.ndarray]
    peak: float


@lru_cache(maxsize=8)
def k_weighting(sample_rate: int) -> np.ndarray:
    """Second-order sections [2, 6] of the K filter at any sample rate: a high shelf (+4 dB), then a high-pass.

    The analogue prototypes behind the standard's 48 kHz coefficients, by the bilinear transform.
    """
    sections = []
    gain, quality, corner = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = np.tan(np.pi * corner / sample_rate)
    v_high = 10 ** (gain / 20)
    v_band = v_high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    sections.append(
        [
            (v_high + v_band * k / quality + k * k) / a0,
            2 * (k * k - v_high) / a0,
            (v_high - v_band * k / quality + k * k) / a0,
            1,
            2 * (k * k - 1) / a0,
            (1 - k / quality + k * k) / a0,
        ]
    )
    quality, corner = 0.5003270373238773, 38.13547087602444
    k = np.tan(np.pi * corner / sample_rate)
    a0 = 1 + k / quality + k * k
    sections.append([1, -2, 1, 1, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0])
    return np.array(sections)


def integrated_loudness(audio_SC: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS of audio [S, C] with 1 or 2 channels; −inf where every block lies below the gate.

    Raises:
        ValueError: Audio shorter than one block of 400 ms.
    """
    return gated_loudness(step_powers(audio_SC, sample_rate, [(0, len(audio_SC))]).stretches[0])


def step_powers(audio_SC: np.ndarray, sample_rate: int, stretches: Sequence[tuple[int, int]]) -> Powers:
    """Powers of stretches of audio, each from its own start.

    Args:
        audio_SC: [S, C] with 1 or 2 channels.
        sample_rate: Hz.
        stretches: First sample of each, and that behind its last.

    Raises:
        ValueError: A stretch shorter than one block of 400 ms.
    """
    from padstal.ingest.kernels import energies

    step = round(BLOCK_SECONDS / OVERLAP * sample_rate)
    grids = []
    for start, stop in stretches:
        if stop - start < OVERLAP * step:
            found = (stop - start) / sample_rate
            raise ValueError(f"{found:.3f} s of audio: loudness needs at least {BLOCK_SECONDS} s")
        grids.append(np.arange(start, stop + 1, step))
    edges = np.unique(np.concatenate([[0, len(audio_SC)], *grids]))
    warm_up = round(MEMORY_SECONDS * sample_rate)
    energy, peak = energies(np.ascontiguousarray(audio_SC), k_weighting(sample_rate), edges, warm_up)
    before = np.concatenate([[0.0], np.cumsum(energy)])
    return Powers([np.diff(before[np.searchsorted(edges, grid)]) / step for grid in grids], float(peak))


def gated_loudness(power: np.ndarray) -> float:
    """Integrated loudness (LUFS) of one stretch of `Powers`; −inf where every block lies below the gate."""
    block = np.convolve(power, np.full(OVERLAP, 1 / OVERLAP), mode="valid")
    loudness = _lufs(block)  # (1)
    audible = loudness > ABSOLUTE_GATE
    if not audible.any():
        return float("-inf")
    gate = _lufs(block[audible].mean()) - RELATIVE_GATE
    return float(_lufs(block[audible & (loudness > gate)].mean()))  # (2)


def _lufs(power: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-12))


def gain_to(target_lufs: float, loudness_lufs: float, peak: float, *, ceiling: float = 0.98) -> float:
    """Factor that brings audio of `loudness_lufs` to `target_lufs`, less where `peak` would pass `ceiling`."""
    if not np.isfinite(loudness_lufs):
        return 1.0
    return min(10 ** ((target_lufs - loudness_lufs) / 20), ceiling / max(peak, 1e-9))
